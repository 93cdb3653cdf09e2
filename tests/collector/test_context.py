"""What the door freezes of a request: user agent, country, blocked addresses, pages of other hosts, and no address."""

import asyncio
import ipaddress
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from mmdb_writer import MMDBWriter
from msgspec.structs import replace
from netaddr import IPSet

from collector.identity.origin import Origins
from collector.tracking.blocked import Blocked
from collector.tracking.context import USER_AGENT_MAX, Context, Contexts
from collector.tracking.countries import Countries, CountriesUnreadable
from collector.tracking.door import Door
from collector.tracking.visitor import COOKIE, SITE, Visitor, known, known_to
from collector.tracking.wishes import Wishes
from collector.wire.tracking import TrackItem
from storage.app import App, WriteToken
from tests.collector.tracking_site import NOW, TrackingSite, open_tracking

ACTION = {"source_label": "a"}
KNOWN = "0b9c8f8e-3c1d-4f6a-9a57-2f3f0e3f8a11"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
COUNTED = Wishes(dnt="count", gpc="count")


def write_countries(path: Path, **networks: str) -> Path:
    """Write a database that knows of each country one network; it replaces what is there as a whole."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Countries")
    for code, network in networks.items():
        writer.insert_network(IPSet([network]), {"country": {"iso_code": code}})
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": {"iso_code": "no code"}})
    writer.insert_network(IPSet(["203.0.113.0/24"]), {"continent": {"code": "EU"}})
    draft = path.with_suffix(".draft")
    writer.to_db_file(str(draft))
    return draft.rename(path)


def contexts_of(*blocked: str, countries: Countries | None = None, wishes: Wishes = COUNTED) -> Contexts:
    networks = [ipaddress.ip_network(one) for one in blocked]
    return Contexts(Origins(LOOPBACK, known), wishes, Blocked(networks), countries.of if countries else None)


USER_AGENTS = [
    ("Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (X11; Linux)"),
    ("", None),
    ("x" * (USER_AGENT_MAX + 1), "x" * USER_AGENT_MAX),
    ("Bücher/1", "Bücher/1"),
    (b"\xff\xfe/1", "\ufffd\ufffd/1"),
]


@pytest.mark.parametrize(("sent", "kept"), USER_AGENTS, ids=["plain", "empty", "long", "utf8", "bytes"])
async def test_the_user_agent_is_kept_cut_and_as_text(tmp_path: Path, sent: str | bytes, kept: str | None):
    raw = sent if isinstance(sent, bytes) else sent.encode()
    async with open_tracking(tmp_path) as site:
        reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
        writer.write(b"GET /pages/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: %b\r\n\r\n" % raw)
        assert b" 202 " in await reader.readline()
        writer.close()
        (line,) = (await site.lines()).values()
    assert line.get("user_agent") == kept


@pytest.mark.parametrize(
    ("blocked", "address", "found"),
    [
        (["192.0.2.0/24"], "192.0.2.7", True),
        (["192.0.2.0/24"], "192.0.3.7", False),
        (["192.0.2.7/32", "2001:db8::/32", "198.51.0.0/16"], "198.51.100.1", True),
        (["2001:db8::/32"], "2001:db8:ffff::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "192.0.2.7", False),
        (["0.0.0.0/0"], "192.0.2.7", True),
        ([], "192.0.2.7", False),
    ],
)
def test_an_address_is_blocked_by_any_network_of_its_kind(blocked: list[str], address: str, found: object):
    networks = Blocked(ipaddress.ip_network(one) for one in blocked)
    assert (ipaddress.ip_address(address) in networks) is found
    assert bool(networks) == bool(blocked)


async def test_the_event_of_a_blocked_address_is_kept_and_marked(tmp_path: Path):
    async with open_tracking(tmp_path, contexts=contexts_of("192.0.2.0/24")) as site:
        line = await site.line_of(ACTION, **{"X-Forwarded-For": "192.0.2.7"})
        other = await site.line_of(ACTION, **{"X-Forwarded-For": "192.0.3.7"})
    assert (line["filtered"], other.get("filtered")) == ("address", None)


COUNTRIES = [
    ("192.0.2.1", "DE"),
    ("2001:db8::1", "FR"),
    ("192.0.3.1", None),
    ("198.51.100.1", None),
    ("203.0.113.1", None),
]


@pytest.mark.parametrize(("address", "country"), COUNTRIES)
async def test_the_country_is_kept_and_the_address_is_nowhere(tmp_path: Path, address: str, country: str | None):
    countries = Countries(write_countries(tmp_path / "c.mmdb", DE="192.0.2.0/24", FR="2001:db8::/32"))
    countries.open()
    data = tmp_path / "data"
    data.mkdir()
    async with open_tracking(data, contexts=contexts_of("192.0.2.0/24", countries=countries)) as site:
        line = await site.line_of(ACTION, **{"X-Forwarded-For": address})
        await site.accepted([ACTION, {"wrong": 1}], **{"X-Forwarded-For": address})
    assert line.get("country") == country
    kept = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert kept
    assert address.encode() not in kept


def test_an_address_of_another_kind_than_the_file_s_has_no_country(tmp_path: Path):
    writer = MMDBWriter(ip_version=4, database_type="Countries")
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "DE"}})
    writer.to_db_file(str(tmp_path / "c.mmdb"))
    countries = Countries(tmp_path / "c.mmdb")
    countries.open()
    assert countries.of(ipaddress.ip_address("2001:db8::1")) is None
    assert countries.of(ipaddress.ip_address("192.0.2.1")) == "DE"


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


UNREADABLE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": damage,
    "another file": lambda path: path.write_text("<html>not found</html>"),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_file_that_is_no_database_is_one_line_that_names_it(tmp_path: Path, how: str):
    path = write_countries(tmp_path / "c.mmdb", DE="192.0.2.0/24")
    UNREADABLE[how](path)
    with pytest.raises(CountriesUnreadable, match=re.escape(str(path))) as raised:
        Countries(path).open()
    assert "\n" not in str(raised.value)
    assert "privacy.geo_database" in str(raised.value)


def test_another_file_is_read_and_one_that_cannot_be_read_changes_nothing(tmp_path: Path):
    path = write_countries(tmp_path / "c.mmdb", DE="192.0.2.0/24")
    countries = Countries(path)
    countries.open()
    address = ipaddress.ip_address("192.0.2.1")
    for spoil in (damage, Path.unlink):
        spoil(path)
        countries.look()
        assert countries.of(address) == "DE"
    write_countries(path, FR="192.0.2.0/24")
    countries.look()
    assert countries.of(address) == "FR"


PAGES = [
    ("https://shop.example/a", None),
    ("HTTPS://Shop.Example:8443/a?b", None),
    ("https://user@shop.example/", None),
    ("//shop.example/a", None),
    ("/a", None),
    (None, None),
    ("https://shop.example.evil.example/a", "hostname"),
    ("https://evil.example/?https://shop.example/", "hostname"),
    ("https://shop.example@evil.example/", "hostname"),
    ("http://[::1]:80/a", "hostname"),
    ("app://other/a", "hostname"),
]


@pytest.fixture
def shop() -> App:
    then = datetime(2026, 11, 1, tzinfo=UTC)
    token = WriteToken("t", "shop-token", then)
    return App(
        app_code="shop",
        app_name="shop",
        owner_id="u",
        created_at=then,
        write_tokens=(token,),
        hostnames=("shop.example",),
    )


@pytest.mark.parametrize(("page_url", "filtered"), PAGES)
async def test_a_page_of_another_host_than_the_application_s_is_marked(
    tracking: TrackingSite, shop: App, page_url: str | None, filtered: str | None
):
    await tracking.apps.add(shop)
    body = ACTION | ({} if page_url is None else {"page_url": page_url})
    line = await tracking.line_of(body, **{"X-Api-Token": "shop-token"})
    assert line.get("filtered") == filtered
    at_home = await tracking.line_of(body)
    assert "filtered" not in at_home


FULL = {
    "source_label": "pageview",
    "page_url": "https://shop.example/a?user=ada#ada",
    "referrer": "https://ada.example/",
    "title": "ada",
    "id_user": "ada",
    "anonymous_id": "ada-phone",
    "attrs": {"name": "ada"},
    "event_id": "e1",
    "date_created": "2026-11-20T12:00:00Z",
}
WISHES = [
    ({"DNT": "1"}, "dnt", ("dnt",)),
    ({"Sec-GPC": "1"}, "gpc", ("gpc",)),
    ({"DNT": "1", "Sec-GPC": "1"}, "dnt", ("dnt",)),
    ({"DNT": "1", "Sec-GPC": "1"}, "gpc", ("gpc", "dnt")),
    ({"DNT": "0"}, None, ("dnt", "gpc")),
    ({"Sec-GPC": "true"}, None, ("dnt", "gpc")),
    ({"DNT": "1"}, None, ("gpc",)),
    ({"DNT": "1", "Sec-GPC": "1"}, None, ()),
]


def heeding(*honoured: str) -> Wishes:
    return Wishes(dnt="anonymous" if "dnt" in honoured else "count", gpc="anonymous" if "gpc" in honoured else "count")


@pytest.mark.parametrize(("headers", "signal", "honoured"), WISHES)
async def test_a_wish_that_is_honoured_leaves_nobody_in_the_event_and_no_cookie(
    tmp_path: Path, headers: dict[str, str], signal: str | None, honoured: tuple[str, ...]
):
    async with open_tracking(tmp_path, contexts=contexts_of(wishes=heeding(*honoured))) as site:
        line = await site.line_of(FULL, **headers, **{"User-Agent": "ada's browser"})
        await site.accepted(ACTION, **headers)
        assert line.get("signal") == signal
        assert (site.visitor is None) == (signal is not None)
    if signal is None:
        assert line["user_agent"] == "ada's browser"
        return
    assert line == {
        "event_id": "e1",
        "app_code": "site",
        "source_label": "pageview",
        "received_at": line["received_at"],
        "occurred_at": "2026-11-20T12:00:00Z",
        "page_url": "https://shop.example/a",
        "id_given": True,
        "signal": signal,
    }


@pytest.mark.parametrize(
    ("headers", "site", "visitor"),
    [
        ({}, SITE, KNOWN),
        ({"DNT": "1"}, SITE, None),
        ({"Sec-GPC": "1"}, SITE, KNOWN),
        ({}, replace(SITE, visitors="cookieless"), None),
    ],
    ids=["plain", "honoured", "counted", "cookieless"],
)
def test_what_happens_to_an_account_tells_of_a_visitor_only_where_there_may_be_one(
    headers: dict[str, str], site: App, visitor: str | None
):
    request = make_mocked_request("POST", "/auth/signin", headers={"Cookie": f"{COOKIE}={KNOWN}"} | headers)
    assert heeding("dnt").heeding(known_to(site))(request) == visitor


def test_what_the_door_notices_is_counted_by_event():
    door = Door(lambda: NOW, lambda bits: 0, event_bytes_max=1000)
    contexts = [
        Context(filtered="address", wish="dnt"),
        Context(filtered="address"),
        Context(signal="gpc", wish="gpc"),
        Context(),
    ]
    for context in contexts:
        door.event_of(TrackItem(source_label="a"), Visitor(None, None, str, context=context), door.arrival())
    assert door.noticed == {"address": 2, "dnt": 1, "gpc": 1}
