"""The stores that take part in the contract suite: a further adapter takes part by a row in ADAPTERS."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.account_ports import AppStore, UserStore
from tests.contracts.apps import APP_STORES
from tests.contracts.linked import store_process_shelf
from tests.contracts.shelf import SINKS, Adapter, Shelf, SinkShelf
from tests.contracts.users import STORES

ADAPTERS: dict[str, Adapter] = {**SINKS, "store process": store_process_shelf}


PROCESS = pytest.param("store process", marks=pytest.mark.long)
"""Each of its tests starts a process."""


@pytest.fixture(params=[*sorted(SINKS), PROCESS])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    async with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture(params=sorted(SINKS))
async def sink_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SinkShelf]:
    async with SINKS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture(params=STORES)
async def users(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[UserStore]:
    async with request.param(tmp_path) as store:
        yield store


@pytest.fixture(params=APP_STORES)
async def apps(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AppStore]:
    async with request.param(tmp_path) as store:
        yield store
