"""The mark that outlives what it is derived of: the same as a load gives."""

import duckdb
import pytest

from storage.enrichment.landing import landing_text
from storage.enrichment.mark import mark_of
from tests.contracts.samples import event
from tests.contracts.shelf import InThreads, SinkShelf, open_store

GOOGLEBOT, SPAM = "Googlebot/2.1", "https://semalt.com/x"
SAID: list[tuple[str | None, str | None, str | None]] = [
    (None, None, None),
    ("", "", "/"),
    ("Firefox", "https://semalt.com", None),
    ("Firefox", "https://www.semalt.com:8080/a?b#c", "/a"),
    ("Firefox", SPAM, "https://semalt.com/y"),
    ("Firefox", SPAM, "https://semalt.com"),
    ("Firefox", SPAM, "https://shop.example/?utm_source=a&gclid=1&x=2#utm_medium=no"),
    ("Firefox", "//semalt.com/x", "//semalt.com/y?utm_source=b"),
    ("Firefox", "semalt.com", "a/b/c/d"),
    ("Firefox", "https://" + "a" * 400 + "/", "https://b/?utm_term=" + "é" * 1200),
    ("Firefox", "HTTPS://SEMALT.COM/\n?", "x?utm_source=\U0001f600&utm_source=2"),
    (GOOGLEBOT, SPAM, "/"),
    ("x" * 505 + GOOGLEBOT, None, "/"),
    ("x" * 500 + GOOGLEBOT, None, "/"),
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str | None, str | None]]:
    """Return landing and mark of events that say SAID, as the store has them."""
    directory = tmp_path_factory.mktemp("store")
    events = [event(user_agent=agent, referrer=referrer, page_url=page_url) for agent, referrer, page_url in SAID]
    with open_store(directory) as store:
        SinkShelf(directory, store, InThreads(store)).apply([*events])
    question = 'SELECT landing, filtered FROM events LEFT JOIN arrival USING (arrival_id) ORDER BY "offset"'
    with duckdb.connect(str(directory / "events.duckdb"), read_only=True) as file:
        return file.execute(question).fetchall()


@pytest.mark.parametrize("number", range(len(SAID)))
def test_a_mark_is_the_one_of_a_load(number: int, stored: list[tuple[str | None, str | None]]) -> None:
    _, referrer, page_url = SAID[number]
    landing, mark = stored[number]
    assert landing_text(referrer, page_url) == (landing or "##")
    assert mark_of(*SAID[number]) == mark
