"""GET /footfall.js: the script as a browser is served it, and that it is made of its source."""

import gzip

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from collector.app import build_app
from collector.tracking.tracker import Tracker
from scripts.tracker import BUILT, SOURCE, built

COMPRESSED_MAX = 2048


async def nobody(_: web.Request) -> None:
    return None


@pytest.fixture
async def client():
    app = build_app(Tracker().routes(), nobody, body_bytes_max=0)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


def test_the_script_is_what_make_tracker_makes_of_its_source():
    assert BUILT.read_text(encoding="utf-8") == built(SOURCE.read_text(encoding="utf-8")), "run make tracker"


def test_the_script_has_at_most_two_kibibytes_compressed():
    assert len(gzip.compress(BUILT.read_bytes(), 9)) <= COMPRESSED_MAX


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br, zstd", None),
        ("gzip;q=0", None),
        ("gzip ; q = 0.000, br", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("br;q=1.0,gzip;q=0.01", "gzip"),
        ("gzip;q=1", "gzip"),
        ("gzip;q=10", "gzip"),
        ("notgzip", None),
        (",;=,", None),
    ],
)
async def test_it_is_compressed_for_who_takes_that(client: TestClient, accepted: str | None, coding: str | None):
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    async with client.get("/footfall.js", headers=headers, skip_auto_headers=["Accept-Encoding"]) as answer:
        raw = await answer.read()
        assert answer.status == 200
        assert answer.headers.get("Content-Encoding") == coding
        assert (gzip.decompress(raw) if coding else raw) == BUILT.read_bytes()
        assert answer.headers["Vary"] == "Accept-Encoding"


async def test_a_page_of_any_origin_may_load_it_and_the_browser_may_keep_it(client: TestClient):
    async with client.get("/footfall.js") as answer:
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Cache-Control"] == "public, max-age=3600, stale-while-revalidate=86400"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_each_encoding_has_its_own_tag_and_is_not_sent_twice(client: TestClient):
    tags = {}
    for coding in ("identity", "gzip"):
        async with client.get("/footfall.js", headers={"Accept-Encoding": coding}) as first:
            tags[coding] = first.headers["ETag"]
    assert len(set(tags.values())) == 2
    for coding, tag in tags.items():
        for known, status in ((tag, 304), (f"W/{tag}", 304), ('"other"', 200)):
            headers = {"Accept-Encoding": coding, "If-None-Match": known}
            async with client.get("/footfall.js", headers=headers) as again:
                assert (again.status, await again.read() == b"") == (status, status == 304)
                assert again.headers["Cache-Control"].startswith("public")
