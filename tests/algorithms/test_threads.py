import threading

import torch

from algorithms.threads import ALONE, threads


def test_torchs_own_threads_are_one_meanwhile():
    before = torch.get_num_threads()
    with threads(2) as pool:
        assert torch.get_num_threads() == 1
        assert set(pool.map(lambda _: torch.get_num_threads(), range(4))) == {1}
    assert torch.get_num_threads() == before


def test_results_are_in_the_order_of_the_items():
    with threads(3) as pool:
        assert pool.number == 3
        assert pool.map(lambda item: item * item, range(50)) == [item * item for item in range(50)]


def test_one_thread_is_this_one():
    with threads(1) as pool:
        assert pool is ALONE
        assert pool.map(lambda _: threading.get_ident(), range(3)) == [threading.get_ident()] * 3


def test_one_operation_may_use_several():
    before = torch.get_num_threads()
    with threads(1, within=2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
