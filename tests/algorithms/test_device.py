import pytest
import torch

from algorithms.device import device_of
from data.errors import HyperparameterError


def test_a_device_by_name():
    assert device_of("cpu") == torch.device("cpu")
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there():
    with pytest.raises(
        HyperparameterError, match=r"^device='cuda': torch finds no GPU here; choose device=auto or cpu"
    ):
        device_of("cuda")
