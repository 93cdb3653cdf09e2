"""What enrichment adds to a load: `python -m bench.enrichment [--loads N] [--dir DIRECTORY]`.

Batches of 10,000 events are loaded by turns: as browsers send them, and with the same bytes in members of which nothing
is derived. The store knows the user agents and landings of thirty days already; few events bring new ones.
"""

import argparse
import functools
import random
import statistics
import uuid
from collections.abc import Iterator
from pathlib import Path

from bench import machine
from bench.feed import Feed
from bench.late import LOG_ID, STORE, make, opened
from bench.process import end_by_interrupt

LOADS = 30
BATCH = STORE.batch_events
STORED = 1_000_000

USER_AGENTS, CAMPAIGNS, HOSTS = 5_000, 200, 1_000
"""Distinct ones in thirty days."""

NEW_SHARE = 0.0005
"""Of events with a user agent that nobody had before: five hundred a day of a million."""

SAME_SITE, OTHER_SITE, LINK, CLICK, QUERY = 0.6, 0.15, 0.03, 0.02, 0.1
"""Shares of events with such a referrer, or such a query of their page."""

AGENT = "Mozilla/5.0 (Linux; Android {}; Model {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36"
LINE = (
    '{{"offset":{offset},"event_id":"{event_id}","app_code":"site","source_label":"pageview",'
    '"received_at":"2026-11-21T00:00:00Z","anonymous_id":"{visitor}","page_url":"https://shop.example/{page}",'
    '"{referrer_member}":"{referrer}","{agent_member}":"{agent}","id_given":true}}\n'
)
TOLD = {"referrer_member": "referrer", "agent_member": "user_agent"}
UNTOLD = {"referrer_member": "title", "agent_member": "not_read__"}


class Lines:
    """Makes the lines of events as browsers send them."""

    def __init__(self) -> None:
        self._chance = random.Random(1)

    def of(self, offsets: range, *, is_told: bool) -> Iterator[str]:
        """Yield a line for each offset; not told: with the same bytes in members of which nothing is derived."""
        for offset in offsets:
            query = self._query()
            yield LINE.format(
                **(TOLD if is_told else UNTOLD),
                offset=offset,
                event_id=uuid.UUID(int=self._chance.getrandbits(128), version=4),
                visitor=offset % 30_000,
                page=f"products/{offset % 1000}{query if is_told else query.replace('?', '/')}",
                referrer=self._referrer(),
                agent=self._agent(offset),
            )

    def _agent(self, offset: int) -> str:
        # The cube lets few be most of all, as they are.
        number = int(USER_AGENTS * self._chance.random() ** 3) if self._chance.random() > NEW_SHARE else 10_000 + offset
        return AGENT.format(9 + number % 7, number, 90 + number % 53)

    def _referrer(self) -> str:
        chance = self._chance.random()
        if chance < SAME_SITE:
            return f"https://shop.example/products/{int(1000 * chance)}"
        return (
            f"https://www.{int(HOSTS * self._chance.random() ** 3)}.example/a"
            if chance < SAME_SITE + OTHER_SITE
            else ""
        )

    def _query(self) -> str:
        chance = self._chance.random()
        if chance < LINK:
            return f"?utm_source=news&utm_medium=email&utm_campaign={int(CAMPAIGNS * self._chance.random() ** 3)}"
        if chance < LINK + CLICK:
            return f"?gclid={self._chance.getrandbits(128):x}"
        return f"?page={int(1000 * chance)}" if chance < LINK + CLICK + QUERY else ""


def main() -> None:
    """Print the processor time of both loads and the median of the ratios of neighbours."""
    arguments = _parser().parse_args()
    end_by_interrupt()
    with machine.new_directory(arguments.dir) as directory:
        path = directory / "events.duckdb"
        make(path, STORED)
        with opened(path) as store:
            feed, lines = Feed(store, directory / "lines.ndjson", LOG_ID), Lines()
            for _ in range(max(1, arguments.loads // 2)):
                _cpu_s(feed, lines, is_told=True)
            turns = [
                (_cpu_s(feed, lines, is_told=True), _cpu_s(feed, lines, is_told=False)) for _ in range(arguments.loads)
            ]
    told, untold = (statistics.median(seconds) for seconds in zip(*turns, strict=True))
    ratio = statistics.median(one / other for one, other in turns)
    print(f"enriched    {BATCH / told:9,.0f} events for a CPU-second{1000 * told:8.1f} ms a load of {BATCH:,}")
    print(f"untold      {BATCH / untold:9,.0f} events for a CPU-second{1000 * untold:8.1f} ms")
    print(f"ratio       {ratio:9.2f}   target <= 1.25")


def _cpu_s(feed: Feed, lines: Lines, *, is_told: bool) -> float:
    """Load a batch and return the seconds of processor time."""
    return feed.load(BATCH, functools.partial(lines.of, is_told=is_told))[1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.enrichment", description="What enrichment adds to a load.")
    parser.add_argument("--loads", type=int, default=LOADS, help=f"loads of each kind (default: {LOADS})")
    parser.add_argument("--dir", type=Path, default=Path(), help="where to make the temporary directory (default: .)")
    return parser


if __name__ == "__main__":
    main()
