"""DuckDB and plain Python give the same metrics of random events, in every order and cut into any pages."""

import random
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from storage.event import Event
from storage.ports import EventStore
from storage.query.metrics import MetricsDimension, MetricsPage, MetricsQuery, MetricsRow
from tests.contracts.samples import DAY, NOON, event, visitor_id
from tests.contracts.shelf import duckdb_shelf, memory_shelf
from tests.contracts.test_metrics import ALL, MINUTE, question

pytestmark = pytest.mark.long

DIMENSIONS = [None, *get_args(MetricsDimension)]
PAGES = [
    None,
    "/",
    "/a",
    "https://shop.example/",
    "https://shop.example/b",
    "https://shop.example/?utm_source=poster&utm_medium=e-mail&utm_campaign=A+b",
    "https://shop.example/b?x=1&gclid=2",
]
USER_AGENTS = [
    None,
    "curl/8.5.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
]
REFERRERS = [
    None,
    "https://www.shop.example/",
    "https://a.example/1",
    "https://A.example/2",
    "https://b.example",
    "https://www.google.com/",
    "https://semalt.com/",
    "text",
]


def random_event(draw: random.Random) -> Event:
    """Return an event of a few persons in eight days; many happen at one time, or 30 minutes apart."""
    at = NOON + draw.randrange(-4 * 24 * 6, 4 * 24 * 6) * 10 * MINUTE + draw.choice([0, 0, 0.5, 7]) * MINUTE
    return event(
        occurred_at=at,
        received_at=at,
        source_label=draw.choice(["pageview", "pageview", "click"]),
        anonymous_id=draw.choice([None, *map(visitor_id, "uvwxyz")]),
        user_id=draw.choice([None] * 20 + ["ada", "bob"]),
        page_url=draw.choice(PAGES),
        referrer=draw.choice(REFERRERS),
        user_agent=draw.choice(USER_AGENTS),
        country=draw.choice([None, "DE", "LI"]),
    )


def random_question(draw: random.Random, dimension: MetricsDimension | None) -> MetricsQuery:
    metrics = draw.sample(ALL, draw.randint(1, len(ALL)))
    from_time = NOON + draw.randrange(-96, 96) * 60 * MINUTE
    return question(
        *metrics,
        dimension=dimension,
        from_time=from_time,
        to_time=from_time + draw.choice([MINUTE, 7 * MINUTE, DAY, 2.5 * DAY, 8 * DAY]),
        user_id=draw.choice([None, None, "ada"]),
        order=draw.choice([*ALL, None]),
        descending=draw.choice([True, False]),
        compare=draw.choice([True, False]),
        limit=draw.choice([1, 3, 1000]),
    )


async def whole(store: EventStore, query: MetricsQuery) -> MetricsPage:
    """Return an answer, or its first thirty rows, as one page; the cursors of two stores may differ."""
    rows: list[MetricsRow] = []
    while True:
        page = await store.metrics(query)
        rows += page.rows
        if page.next is None or len(rows) > 30:
            return replace(page, rows=rows, next=None)
        query = replace(query, after=page.next)


@pytest.mark.parametrize("seed", range(8))
async def test_both_stores_give_the_same_answer(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    batches = [[random_event(draw) for _ in range(draw.randint(1, 300))] for _ in range(4)]
    async with duckdb_shelf(tmp_path) as duckdb, memory_shelf(tmp_path) as memory:
        for batch in batches:
            await duckdb.load([*batch])
            await memory.load([*batch])
        for dimension in DIMENSIONS * 4:
            query = random_question(draw, dimension)
            found, expected = await whole(duckdb.store, query), await whole(memory.store, query)
            assert found == expected, msgspec.json.encode(query)
