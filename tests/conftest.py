"""What holds for every test: what takes seconds begins first, spread over the workers; what is `long` is to be asked for."""

import itertools
import os

import pytest
from hypothesis import settings

settings.register_profile("footfall", deadline=None)  # how long anything takes is no matter of tests
settings.load_profile("footfall")

TAKES_LONG = pytest.mark.skip(reason="takes long; its file alone runs it, or CI=true make test")
ASKED_FOR = "TESTS_ASKED_FOR"
"""Set for the workers where somebody named files or tests."""

LONG = (
    "tests/house/test_fuzz.py",
    "tests/house/test_bench.py",
    "tests/crash/",
    "tests/house/",
    "tests/browser/",
    "tests/console/test_hostile.py",
)
"""Where tests take seconds, the longest first; what the others leave is stolen in small pieces."""


def pytest_configure(config: pytest.Config) -> None:
    """Let what is asked for by name run however long it takes."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput"):
        os.environ[ASKED_FOR] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, a file's together, so that each worker's even share begins with long ones."""
    if not (os.environ.get("CI") or os.environ.get(ASKED_FOR)):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(TAKES_LONG)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    files = [(_rank(file), list(found)) for file, found in itertools.groupby(items, _file)]
    long = sorted((one for one in files if one[0] < len(LONG)), key=lambda one: one[0])
    short = [item for rank, found in files if rank == len(LONG) for item in found]
    share = -(-len(items) // workers)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        own = [item for _, found in long[worker::workers] for item in found]
        room = max(share - len(own), 0) if worker < workers - 1 else len(short)
        ordered += own + short[:room]
        short = short[room:]
    items[:] = ordered


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _rank(file: str) -> int:
    return next((rank for rank, prefix in enumerate(LONG) if file.startswith(prefix)), len(LONG))
