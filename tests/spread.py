"""How tests are spread over processes, as `make test` runs them: pytest -n 3, for two cores have work while tests wait.

Tests of one file stay together and in order, for the sake of what they share. One process begins with the files that
mostly wait, for real servers and for processes, the others with those that compute; they meet in the middle, at files
that take a second or two. So a server that lasts for the session is started by one process, as a rule, and nobody
waits for the last long file.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """First those that wait: files of services alone, then those with slow tests, each in the order they had."""
    if not hasattr(config, "workerinput"):  # not one of several processes
        return
    files: dict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)

    def computes(file: list[pytest.Item]) -> tuple[bool, bool]:
        waits = (item.get_closest_marker("services") for item in file)
        slow = (item.get_closest_marker("slow") for item in file)
        return not all(waits), not any(slow)

    items[:] = [item for file in sorted(files.values(), key=computes) for item in file]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file at a time, for the first process from the front, for others from the back."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False

    class FromBothEnds(LoadFileScheduling):
        def _assign_work_unit(self, node: Any) -> None:
            if node is not self.nodes[0]:
                self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
            super()._assign_work_unit(node)

    return FromBothEnds(config, log)
