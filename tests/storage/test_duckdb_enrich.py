"""What a load derives: each distinct text once, in tables that events refer to, and in the transaction of the load."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from storage.duckdb.enrich import Enrichment
from storage.duckdb.statement import Row
from storage.enrichment.agent import USER_AGENT_CHARS_MAX
from storage.enrichment.landing import MEMBERS_CHARS_MAX, ORIGIN_CHARS_MAX, VALUE_CHARS_MAX
from storage.errors import StorageError
from storage.event import Event, encode
from tests.contracts.samples import DAY, NOON, event, given_id, rejected
from tests.contracts.shelf import InThreads, SinkShelf, log_range, open_store

PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
HERE = "https://shop.example/"

DERIVED = """
SELECT browser, agent.version, os, device, bot, source, channel, utm_source, utm_medium, utm_campaign, utm_term, utm_content
FROM events LEFT JOIN agent USING (agent_id) LEFT JOIN arrival USING (arrival_id)
ORDER BY position, "offset"
"""
NOBODY = (None,) * 12


def stored(directory: Path, sql: str, *batches: list[Event]) -> list[Row]:
    with open_store(directory) as store:
        for batch in batches:
            SinkShelf(directory, store, InThreads(store)).apply([*batch])
    return rows(directory, sql)


def rows(directory: Path, sql: str) -> list[Row]:
    with duckdb.connect(str(directory / "events.duckdb"), read_only=True) as file:
        return file.execute(sql).fetchall()


def test_an_event_refers_to_what_its_texts_tell(tmp_path: Path) -> None:
    link = f"{HERE}?utm_source=News&utm_medium=E-Mail&utm_campaign=Spring+Sale&utm_term=a%26b&utm_content=caf%C3%A9&x=1"
    told = event(user_agent=PHONE, page_url=link, referrer="https://mail.google.com/mail/u/0/")
    assert stored(tmp_path, DERIVED, [told, event()]) == [
        ("Chrome", "142", "Android", "mobile", None, "news", "Email", "news", "e-mail", "Spring Sale", "a&b", "café"),
        NOBODY,
    ]


ARRIVALS = {
    "a search engine": (HERE, "https://www.google.com/search?q=x", "google", "Organic Search"),
    "a host in capitals with a port": (HERE, "https://WWW.News.Example:443/a", "news.example", "Referral"),
    "credentials": (HERE, "https://user:pass@word@news.example/", "news.example", "Referral"),
    "an address": (HERE, "http://[2001:db8::1]:8080/", "[2001:db8::1]", "Referral"),
    "an app": (HERE, "android-app://com.google.android.gm/", "gmail", "Email"),
    "no path": (HERE, "https://news.example?q=https://other.example/", "news.example", "Referral"),
    "a fragment": (HERE, "https://news.example#/b", "news.example", "Referral"),
    "a click": (f"{HERE}?gclid=Cj0KCQ", "https://www.google.com/", "google", "Paid Search"),
    "a click without a referrer": (f"{HERE}a?b=c&fbclid=IwAR0", None, "facebook", "Organic Social"),
    "members of a link twice": (f"{HERE}?utm_source=a&utm_source=b", None, "a", "Other"),
    "no page": (None, "https://news.example/", "news.example", "Referral"),
    "a page that is a path": ("/a", "https://news.example/", "news.example", "Referral"),
    "the same host with and without www": (HERE, "https://www.shop.example/sale", None, "Direct"),
    "another host of the same domain": (HERE, "https://blog.shop.example/", "blog.shop.example", "Referral"),
    "empty members": (f"{HERE}?utm_source=&utm_medium=+%20", None, None, "Direct"),
    "no UTF-8": (f"{HERE}?utm_source=%ff%ed%a0%80", None, "\ufffd\ufffd\ufffd\ufffd", "Other"),
    "a half escape": (f"{HERE}?utm_source=100%", None, "100%", "Other"),
    "text": (HERE, "no URL / a / b", None, "Direct"),
    "a script": (HERE, "javascript://x/%0Aalert(1)", "x", "Referral"),
}

NO_ARRIVAL = {
    "the same site": (HERE, f"{HERE}b"),
    "another scheme of the same host": (HERE, "http://shop.example/"),
    "an empty referrer": (HERE, ""),
    "no referrer": (HERE, None),
    "members of the page's own": (f"{HERE}?page=2&utm=1&my_utm_source=b", None),
    "nothing": (None, None),
}


@pytest.mark.parametrize("name", ARRIVALS)
def test_page_and_referrer_give_source_and_channel(tmp_path: Path, name: str) -> None:
    page_url, referrer, source, channel = ARRIVALS[name]
    ((*_, found_source, found_channel, _, _, _, _, _),) = stored(
        tmp_path, DERIVED, [event(page_url=page_url, referrer=referrer)]
    )
    assert (found_source, found_channel) == (source, channel)


@pytest.mark.parametrize("name", NO_ARRIVAL)
def test_what_tells_nothing_has_no_arrival(tmp_path: Path, name: str) -> None:
    page_url, referrer = NO_ARRIVAL[name]
    told = event(page_url=page_url, referrer=referrer)
    assert stored(tmp_path, "SELECT arrival_id FROM events", [told]) == [(None,)]


def test_a_text_has_one_row_however_many_loads_and_events_bring_it(tmp_path: Path) -> None:
    batches = [[event(user_agent=PHONE, referrer="https://a.example/") for _ in range(3)] for _ in range(3)]
    assert stored(tmp_path, "SELECT count(*) FROM agent", *batches) == [(2,)]
    assert rows(tmp_path, "SELECT count(*) FROM arrival") == [(2,)]
    assert rows(tmp_path, "SELECT DISTINCT agent_id, arrival_id FROM events") == [(1, 1)]


def test_clicks_that_differ_in_their_ids_share_a_row(tmp_path: Path) -> None:
    clicks = [event(page_url=f"{HERE}?gclid={n}&page={n}") for n in range(9)]
    assert stored(tmp_path, "SELECT landing, channel FROM arrival WHERE arrival_id > 0", clicks) == [
        ("##gclid=", "Paid Search")
    ]


MARKED = {
    "a crawler": ({"user_agent": CRAWLER}, "bot"),
    "a spammer": ({"referrer": "https://semalt.com/x"}, "referrer_spam"),
    "a crawler and spammer": ({"user_agent": CRAWLER, "referrer": "https://semalt.com/x"}, "bot"),
    "what the door marked": ({"user_agent": CRAWLER, "filtered": "address"}, "address"),
    "somebody": ({"user_agent": PHONE, "referrer": "https://news.example/"}, None),
    "a program of a site": ({"user_agent": "python-requests/2.31.0"}, None),
}


@pytest.mark.parametrize("name", MARKED)
def test_what_a_rule_filters_is_marked(tmp_path: Path, name: str) -> None:
    members, mark = MARKED[name]
    assert stored(tmp_path, "SELECT filtered FROM events", [event(**members)]) == [(mark,)]


def test_lines_that_are_read_one_by_one_are_enriched_alike(tmp_path: Path) -> None:
    told = event(user_agent=CRAWLER, referrer="https://www.bing.com/")
    with open_store(tmp_path) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        good = b'{"offset":0,' + encode(told)[1:]
        shelf.apply_lines(log_range(0, 1, byte_end=1), good + b'\n{"user_agent":7,"offset":"x"}\n')
    assert [row[4:7] for row in rows(tmp_path, DERIVED)] == [("Googlebot", "bing", "Organic Search")]
    assert rows(tmp_path, "SELECT count(*) FROM agent") == [(2,)]


def test_rejected_items_have_no_texts(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        SinkShelf(tmp_path, store, InThreads(store)).apply([rejected(), event(user_agent=PHONE)])
    assert rows(tmp_path, "SELECT user_agent FROM agent WHERE agent_id > 0") == [(PHONE,)]


LONG = {
    "a user agent": ({"user_agent": "x" * 30_000}, "SELECT max(length(user_agent)) FROM agent", USER_AGENT_CHARS_MAX),
    "a user agent of wide characters": (
        {"user_agent": "\U0001f600" * 5_000},
        "SELECT max(length(user_agent)) FROM agent",
        USER_AGENT_CHARS_MAX,
    ),
    "a host": (
        {"referrer": f"https://{'a' * 9_000}.example/"},
        "SELECT max(length(source)) FROM arrival",
        ORIGIN_CHARS_MAX - len("https://"),
    ),
    "a member": (
        {"page_url": f"{HERE}?utm_term={'x' * 9_000}"},
        "SELECT max(length(utm_term)) FROM arrival",
        VALUE_CHARS_MAX,
    ),
    "members": (
        {"page_url": f"{HERE}?" + "&".join(f"utm_term={n}" for n in range(3_000))},
        "SELECT max(length(landing)) FROM arrival",
        MEMBERS_CHARS_MAX + 2,
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_are_cut(tmp_path: Path, name: str) -> None:
    members, longest, limit = LONG[name]
    assert stored(tmp_path, longest, [event(**members)]) == [(limit,)]


def agents(first: int, end: int, **members: object) -> list[Event]:
    return [event(user_agent=f"app {n}", referrer=f"https://{n}.example/", **members) for n in range(first, end)]


@pytest.mark.parametrize("cut", [lambda told: [told], lambda told: [told[:3], told[3:]]], ids=["one", "two"])
def test_beyond_a_days_limit_texts_share_a_row_until_the_day_ends(
    tmp_path: Path, cut: Callable[[list[Event]], list[list[Event]]]
) -> None:
    batches = [*cut(agents(0, 7)), agents(6, 9, received_at=NOON + DAY)]
    with open_store(tmp_path, enrichment=Enrichment(new_per_day_max=5)) as store:
        for batch in batches:
            SinkShelf(tmp_path, store, InThreads(store)).apply([*batch])
    found = rows(tmp_path, 'SELECT agent_id, arrival_id FROM events ORDER BY position, "offset"')
    ids = [1, 2, 3, 4, 5, 0, 0, 6, 7, 8]
    assert found == list(zip(ids, ids, strict=True))


def test_a_load_that_fails_leaves_no_texts(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        with pytest.raises(StorageError):
            shelf.apply_lines(
                log_range(0, 1, byte_end=1), b'{"offset":0,' + encode(event(user_agent=PHONE))[1:] + b"\n"
            )
    assert rows(tmp_path, "SELECT count(*) FROM agent") == [(1,)]


def test_a_repeat_changes_nothing_of_the_first(tmp_path: Path) -> None:
    first, repeat = given_id("a", user_agent=PHONE), given_id("a", user_agent=CRAWLER)
    assert [row[0] for row in stored(tmp_path, DERIVED, [first], [repeat])] == ["Chrome"]
