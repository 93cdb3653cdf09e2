"""Enriching what is loaded: each distinct text passes through the rules once, and events refer to what came of it.

The texts are user agents and landings. The tables `agent` and `arrival` grow in the transaction of the load, each by at
most NEW_PER_DAY_MAX rows for the events received on one day: nobody can make a store of distinct texts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from operator import itemgetter
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from storage.duckdb.statement import statement
from storage.enrichment.agent import USER_AGENT_CHARS_MAX
from storage.enrichment.landing import MEMBERS, MEMBERS_CHARS_MAX, ORIGIN, ORIGIN_CHARS_MAX, landing_of
from storage.enrichment.rules import RULES, Rules

NEW_PER_DAY_MAX = 10_000

STAGING = {
    "origin": ORIGIN,
    "members": MEMBERS,
    "user_agent_chars": USER_AGENT_CHARS_MAX,
    "origin_chars": ORIGIN_CHARS_MAX,
    "members_chars": MEMBERS_CHARS_MAX,
}
"""What staging has to know of the texts, which it writes into the batch."""


class Enrichment(NamedTuple):
    """What comes after `new_per_day_max` rows refers to row 0, `Other`, until the day's end."""

    rules: Rules = RULES
    new_per_day_max: int = NEW_PER_DAY_MAX


ENRICHMENT = Enrichment()

Told = tuple[str, date]
"""A text, and the day on which the first event with it was received."""


def enrich_staged(connection: DuckDBPyConnection, enrichment: Enrichment) -> None:
    """Give rows to the texts of the batch that have none, in the order of their first events."""
    found = connection.execute(statement("new_texts")).fetchall()
    found.sort(key=itemgetter(2))
    agents = _days((user_agent, at) for user_agent, _, _, at in found if user_agent is not None)
    arrivals = _days((landing, at) for _, landing, _, at in found if landing is not None)
    rules, per_day = enrichment
    if agents:
        rows = agent_rows(rules, _within(connection, "agent", agents, per_day))
        connection.execute(statement("insert_agents"), {"rows": rows})
    if arrivals:
        rows = arrival_rows(rules, _within(connection, "arrival", arrivals, per_day))
        connection.execute(statement("insert_arrivals"), {"rows": rows})


def agent_rows(rules: Rules, told: Iterable[Told]) -> list[dict[str, object]]:
    """Return rows of `agent`, but for their ids."""
    return [{"user_agent": text, "first_day": day, **rules.agent_of(text)._asdict()} for text, day in told]


def arrival_rows(rules: Rules, told: Iterable[Told]) -> list[dict[str, object]]:
    """Return rows of `arrival`, but for their ids."""
    return [{"landing": text, "first_day": day, **rules.arrival_of(landing_of(text))._asdict()} for text, day in told]


def _days(events: Iterable[tuple[str, datetime]]) -> dict[str, date]:
    """Return the day of the first event of each text."""
    days: dict[str, date] = {}
    for text, received_at in events:
        days.setdefault(text, received_at.date())
    return days


def _within(connection: DuckDBPyConnection, table: str, told: Mapping[str, date], per_day: int) -> Iterator[Told]:
    """Yield those that get a row before a day has as many as it may have."""
    grown = connection.execute(statement("grown").format(table=table), {"since": min(told.values())})
    taken = Counter(dict(grown.fetchall()))
    for text, day in told.items():
        taken[day] += 1
        if taken[day] <= per_day:
            yield text, day
