"""The same events under two versions of the rules: what is derived again is what a store filled anew has."""

from pathlib import Path

import duckdb
import pytest

from storage.duckdb.enrich import Enrichment
from storage.duckdb.statement import Row
from storage.duckdb.store import DuckDBStore
from storage.enrichment.agent import Agent
from storage.enrichment.arrival import Arrival, arrival_of
from storage.enrichment.landing import Landing
from storage.enrichment.rules import RULES, Rules
from storage.errors import StorageError
from storage.event import Event
from storage.query.rederivation import RederivedCount
from tests.contracts.samples import event, given_id
from tests.contracts.shelf import InThreads, SinkShelf, open_store

APP = "Shop/1.0"
EVENTS: list[Event] = [
    event(user_agent=APP, page_url="/a"),
    event(user_agent=APP, filtered="address"),
    event(user_agent="curl/8.5.0", referrer="https://news.example/"),
    event(user_agent="curl/8.5.0", referrer="https://semalt.com/"),
    event(user_agent="Googlebot/2.1", page_url="https://shop.example/?utm_source=fb&gclid=1"),
    given_id("a", referrer="https://news.example/"),
    given_id("a", referrer="https://news.example/"),
    event(),
]


def other_agent(user_agent: str) -> Agent:
    return Agent(
        "Shop" if user_agent == APP else "Any", "1", "Any OS", "other", "curl" if "curl" in user_agent else None
    )


def other_arrival(landing: Landing) -> Arrival:
    found = arrival_of(landing)
    return found._replace(channel="Other", source="a source", is_spam=landing.referrer_host == "news.example")


OTHER = Enrichment(Rules("other", other_agent, other_arrival))
STORED = """
SELECT position, "offset", filtered, agent.* EXCLUDE (agent_id), arrival.* EXCLUDE (arrival_id)
FROM events LEFT JOIN agent USING (agent_id) LEFT JOIN arrival USING (arrival_id)
ORDER BY position, "offset"
"""


def fill(store: DuckDBStore, directory: Path) -> None:
    shelf = SinkShelf(directory, store, InThreads(store))
    shelf.apply([*EVENTS[:3]])
    shelf.apply([*EVENTS[3:]])


def stored(directory: Path) -> list[Row]:
    with duckdb.connect(str(directory / "events.duckdb"), read_only=True) as file:
        return file.execute(STORED).fetchall()


@pytest.fixture
def first(tmp_path: Path) -> Path:
    directory = tmp_path / "first"
    directory.mkdir()
    with open_store(directory) as store:
        fill(store, directory)
    return directory


def test_events_derived_again_are_those_of_a_store_filled_anew(first: Path, tmp_path: Path) -> None:
    with open_store(first, enrichment=OTHER) as store:
        store.rederive(is_dry_run=False)
    anew = tmp_path / "anew"
    anew.mkdir()
    with open_store(anew, enrichment=OTHER) as store:
        fill(store, anew)
    assert stored(first) == stored(anew)


def test_the_way_back_gives_what_there_was(first: Path) -> None:
    before = stored(first)
    for enrichment in (OTHER, Enrichment(RULES)):
        with open_store(first, enrichment=enrichment) as store:
            store.rederive(is_dry_run=False)
    assert stored(first) == before


def test_a_dry_run_tells_the_same_difference_and_changes_nothing(first: Path) -> None:
    before = stored(first)
    with open_store(first, enrichment=OTHER) as store:
        told = store.rederive(is_dry_run=True)
        assert stored_after(store) == len(EVENTS) - 1
    assert stored(first) == before
    with open_store(first, enrichment=OTHER) as store:
        assert store.rederive(is_dry_run=False) == told
    assert told.version == "other"
    assert [one for one in told.counts if one.dimension == "filtered"] == [
        RederivedCount("filtered", "-", 4, 3),
        RederivedCount("filtered", "bot", 1, 2),
    ]


def stored_after(store: DuckDBStore) -> int:
    with store.reader() as reader:
        return reader.health().n_rows


def test_rules_that_say_the_same_make_no_difference(first: Path) -> None:
    with open_store(first) as store:
        assert store.rederive(is_dry_run=False).counts == []


def test_marks_are_counted_anew(first: Path) -> None:
    with open_store(first, enrichment=OTHER) as store:
        with store.reader() as reader:
            assert reader.health().marked == {"address": 1, "bot": 1, "referrer_spam": 1}
        store.rederive(is_dry_run=False)
        with store.reader() as reader:
            assert reader.health().marked == {"address": 1, "bot": 2, "referrer_spam": 1}


def test_a_rule_that_fails_leaves_everything_as_it_was(first: Path) -> None:
    def fails(_: Landing) -> Arrival:
        raise StorageError("a rule that fails")

    before = stored(first)
    failing = Enrichment(Rules("fails", other_agent, fails))
    with open_store(first, enrichment=failing) as store, pytest.raises(StorageError, match="a rule that fails"):
        store.rederive(is_dry_run=False)
    assert stored(first) == before
