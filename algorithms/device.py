"""Where torch computes: the device that a form's field `device` means."""

from typing import Literal

import torch

from data.errors import HyperparameterError

Name = Literal["auto", "cpu", "cuda"]


def device_of(name: Name) -> torch.device:
    """auto: a GPU where there is one. Raises HyperparameterError for cuda where there is none."""
    there = name != "cpu" and torch.cuda.is_available()
    if name == "cuda" and not there:
        what, remedy = "torch finds no GPU here", "choose device=auto or cpu, or install torch with CUDA"
        raise HyperparameterError(what, field="device", value=name, remedy=remedy)
    return torch.device("cuda" if there else "cpu")
