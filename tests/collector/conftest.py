"""A site that is tracked, for every test that asks for one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.collector.tracking_site import TrackingSite, open_tracking


@pytest.fixture
async def tracking(tmp_path: Path) -> AsyncIterator[TrackingSite]:
    async with open_tracking(tmp_path) as opened:
        yield opened
