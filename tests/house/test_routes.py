"""Every route of a real daemon, as its own document lists them, called as no one, user, analyst, admin and app."""

import asyncio
import fnmatch
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import aiohttp
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from collector.routes import FORBIDDING
from tests.house.daemon import PASSWORD, Daemon
from tests.house.people import NICKNAMES, peopled

RANK = {"anyone": 0, "reader": 1, "user": 1, "analyst": 2, "admin": 3}
NAMES = itertools.count()

CALL = {"type": "track", "event": "a", "anonymousId": "v"}

BODIES = {
    "/auth/signup": lambda: {
        "nickname": f"somebody{next(NAMES)}",
        "firstname": "S",
        "lastname": "B",
        "age": 33,
        "password": PASSWORD,
    },
    "/auth/signin": lambda: {"nickname": "ann", "password": PASSWORD},
    "/auth/otp": lambda: {"password": PASSWORD},
    "/auth/otp/confirm": lambda: {"otp": "000000"},
    "/auth/signout": lambda: None,
    "/auth/refresh": lambda: None,
    "/auth/me": lambda: {"firstname": f"S{next(NAMES)}", "lastname": None, "age": 34, "current_password": PASSWORD},
    "/admin/rejected/{receipt}/replay": lambda: None,
    "/admin/rejected/replay": lambda: None,
    "/admin/users/{user_id}/block": lambda: None,
    "/admin/users/{user_id}/role": lambda: {"role": "user"},
    "/app/create": lambda: {"app_name": f"app {next(NAMES)}"},
    "/app/{app_code}": lambda: {"mode": "warn", "origins": ["https://a.example"]},
    "/app/{app_code}/token/rotate": lambda: None,
    "/app/{app_code}/read-tokens": lambda: {"name": "report", "scopes": ["analytics"]},
    "/app/create_event/{app_code}": lambda: {"events": [{"name": "e", "attrs": [{"name": "n", "type": "integer"}]}]},
    "/app/{app_code}/people/erase": lambda: {"user_id": "nobody"},
    "/admin/erase": lambda: {"app_code": "site", "user_id": "nobody"},
    "/track": lambda: {"source_label": "a"},
    "/visits": lambda: {"page_url": "/a"},
    "/device/{app_code}": lambda: {"user_code": "u1", "event_name": "a"},
    "/api/event": lambda: {"name": "a", "url": "https://shop.example/a"},
    "/v1/batch": lambda: {"batch": [CALL]},
    "/v1/b": lambda: {"batch": [CALL]},
    "/v1/{call}": lambda: CALL,
    "/query": lambda: {"metrics": ["visitors"], "range": "1h", "dimensions": ["page"]},
}
"""A good body for every route that takes one; a new route needs its own here."""
DELETIONS = {
    "/auth/me": lambda: {"password": "not the password"},
    "/auth/otp": lambda: {"password": "not the password", "otp": "000000"},
}
"""Of the routes that take a body with DELETE: nobody may be gone behind it."""
IF_MATCH = {"If-Match": "*"}
"""Goes with every request: a route that asks for it takes any state then, others do not look at it."""
RECEIPT = "0000000001-never:0"
KEPT_SCRIPT = "public, max-age=3600, stale-while-revalidate=86400"
FILES = {
    "/docs/{file}": "/docs/docs.js",
    "/pixel.gif": "/pixel.gif?source_label=a",
    "/v1/{call}": "/v1/track",
    "/app/{app_code}/people/export": "/app/x/people/export?user_id=nobody",
    "/admin/export/person": "/admin/export/person?user_id=nobody",
} | {
    path: path.replace("{receipt}", RECEIPT)
    for path in ("/admin/receipts/{receipt}", "/admin/rejected/{receipt}", "/admin/rejected/{receipt}/replay")
}
UNKNOWN = ("app_unknown", "rejected_unknown", "session_unknown", "user_unknown")
ASKS_ITSELF = {("POST", "/auth/signout"): 204, ("GET", "/auth/refresh"): 200, ("POST", "/auth/refresh"): 401}
"""Take tokens that the table would refuse, and so ask themselves; with what a good jwt_token is answered."""
DEVICE = ("POST", "/device/{app_code}")
"""Opened by the token of an application alone."""
PIXEL = ("GET", "/pixel.gif")
"""Its problems are pictures, and say no code."""


class House(NamedTuple):
    daemon: Daemon
    document: dict


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with peopled(tmp_path_factory.mktemp("routes") / "house") as daemon:
        yield House(daemon, daemon.get("/openapi.json"))


def operations(document: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def credentials(house: House, role: str) -> dict[str, str]:
    """Return the headers of a role; each has a session of its own, which a sign-out may end."""
    if role == "app":
        return {"X-Api-Token": "unknown", **IF_MATCH}
    if role == "anyone":
        return IF_MATCH
    envelope = house.daemon.post("/auth/signin", {"nickname": NICKNAMES[role], "password": PASSWORD})
    assert envelope["user"]["role"] == role
    return {"Authorization": f"Bearer {envelope['jwt_token']}", **IF_MATCH}


def address(path: str) -> str:
    return FILES.get(path) or re.sub(r"{\w+}", "x", path)


def check_shape(document: dict, operation: dict, status: int, media: str, raw: bytes) -> None:
    """Compare an answer with what the document says of its status."""
    said = operation["responses"].get(str(status), operation["responses"]["default"])
    if "content" not in said:
        assert raw == b""
        return
    (declared,) = said["content"]
    assert fnmatch.fnmatch(media, declared)
    if declared in ("application/json", "application/problem+json"):
        schema = said["content"][declared]["schema"] | {"components": document["components"]}
        Draft202012Validator(schema).validate(json.loads(raw))


def test_the_document_is_valid_openapi(house: House):
    OpenAPIV31SpecValidator(house.document).validate()
    assert house.document["openapi"].startswith("3.1")
    assert len(list(operations(house.document))) > 14


def test_every_reference_has_its_component(house: House):
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(house.document)))
    assert named <= house.document["components"]["schemas"].keys()


def test_there_is_a_body_for_every_route_that_takes_one(house: House):
    taking = {path for method, path, _ in operations(house.document) if method in ("POST", "PUT", "PATCH")}
    assert taking == set(BODIES)


@pytest.mark.parametrize("role", ["anyone", "user", "analyst", "admin", "app"])
async def test_f2_every_route_lets_in_whom_the_table_says_and_answers_as_it_says(house: House, role: str):
    async with aiohttp.ClientSession(house.daemon.url) as session:
        for method, path, operation in operations(house.document):
            headers = credentials(house, role)
            bodies = DELETIONS if method == "DELETE" else BODIES
            body = bodies[path]() if path in bodies else None
            async with session.request(method, address(path), json=body, headers=headers) as answer:
                streams = answer.content_type == "text/event-stream"
                raw = b"" if streams else await answer.read()
                check_headers(answer, operation)
                check_guard(role, (method, path), operation["x-role"], answer.status, raw)
                if not streams:
                    check_shape(house.document, operation, answer.status, answer.content_type, raw)


def check_headers(answer: aiohttp.ClientResponse, operation: dict) -> None:
    """Row H5: what every answer says to a browser; what tracking took is for none to look at."""
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] in ("no-store", "no-cache", "public, max-age=300", KEPT_SCRIPT)
    assert answer.headers.getall("Server") == ["footfall"]
    if operation["tags"] != ["tracking"]:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"


WRONG: list[object] = [[[]]]
"""Of the wrong type for every member there is."""
UNSAID = {
    ("/auth/otp", "without password"): 403,
    ("/auth/otp/confirm", "as it should be"): 403,
    ("/admin/erase", "without user_id"): 422,
}
"""What the daemon refuses and a schema does not: no proof of who asks, a code that no app shows."""
OTHERWISE = {
    ("/api/event", "in an array"): 400,
    ("/api/event", "with an empty array"): 400,
    ("/api/event", "with a text"): 400,
    ("/api/event", "with null"): 400,
    ("/api/event", "without name"): 400,
    ("/api/event", "without url"): 400,
    ("/api/event", "with a wrong name"): 400,
    ("/api/event", "with a wrong url"): 400,
    ("/v1/batch", "with a wrong batch"): 200,
    ("/v1/b", "with a wrong batch"): 200,
    **{("/v1/{call}", f"with a wrong {name}"): 200 for name in CALL},
}
"""What APIs of others answer to what a schema refuses. Wrong calls of Segment's are kept as rejected."""
TAKEN = (200, 202, 204)
UNAVAILABLE = 503


def variants(good: Callable[[], dict]) -> Iterator[tuple[str, object]]:
    """Yield bodies for a route: a good one, and what differs from it in one respect."""
    yield "as it should be", good()
    yield "with an unknown member", good() | {"unheard_of": 1}
    yield "in an array", [good()]
    yield "with an empty array", []
    yield "with a text", "text"
    yield "with null", None
    for name in good():
        yield f"without {name}", {key: value for key, value in good().items() if key != name}
        yield f"with a wrong {name}", good() | {name: WRONG}


async def answered(session: aiohttp.ClientSession, method: str, path: str, body: object) -> tuple[int, str]:
    """Return status and text of the answer; a 503 asks to come again."""
    for _ in range(30):
        # aiohttp takes json=None for no body.
        async with session.request(
            method, address(path), data=json.dumps(body), headers={"Content-Type": "application/json"}
        ) as answer:
            status, text = answer.status, await answer.text()
        if status != UNAVAILABLE:
            break
        await asyncio.sleep(1)  # less than its Retry-After
    return status, text


async def test_the_document_and_the_daemon_agree_on_what_is_a_good_body(house: House):
    headers = credentials(house, "admin")
    async with aiohttp.ClientSession(house.daemon.url, headers=headers) as session:
        for method, path, operation in operations(house.document):
            if "requestBody" not in operation:
                continue
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            validator = Draft202012Validator(schema | {"components": house.document["components"]})
            for what, body in variants((DELETIONS if method == "DELETE" else BODIES)[path]):
                status, text = await answered(session, method, path, body)
                said = UNSAID.get((path, what)) if validator.is_valid(body) else OTHERWISE.get((path, what), 422)
                assert status in ((said,) if said else behind_a_good_body(method, path)), (path, what, status, text)


def behind_a_good_body(method: str, path: str) -> tuple[int, ...]:
    """Return what comes next: who is not there, or which token or password is wrong, hears only who had a good body."""
    if (method, path) == DEVICE:
        return (401,)
    if "{user_id}" in path or "{app_code}" in path:
        return (404,)
    return (403,) if method == "DELETE" else TAKEN


async def test_an_array_of_more_actions_than_the_document_says_is_refused(house: House):
    _, array = house.document["paths"]["/track"]["post"]["requestBody"]["content"]["application/json"]["schema"][
        "oneOf"
    ]
    async with aiohttp.ClientSession(house.daemon.url) as session:
        for count, status in ((array["maxItems"], 202), (array["maxItems"] + 1, 413)):
            async with session.post("/track", json=[{"source_label": "a"}] * count) as answer:
                assert answer.status == status


def check_guard(role: str, called: tuple[str, str], who: str, status: int, raw: bytes) -> None:
    seen = (role, called, status, raw[:200])
    if called in ASKS_ITSELF:
        assert status == (401 if role in ("anyone", "app") else ASKS_ITSELF[called]), seen
    elif called == DEVICE:
        assert (status, b'"api_token_unknown"' in raw) == (401, True), seen
    elif called == PIXEL:
        assert (status, raw[:6]) == (401 if role == "app" else 200, b"GIF89a"), seen
    elif RANK.get(role, 0) >= RANK[who]:
        unknown = ("api_token_unknown",) if role == "app" else (*UNKNOWN, "password_wrong", "otp_off", "otp_wrong")
        assert any(code.encode() in raw for code in unknown) or status in (200, 202, 204), seen
    elif role in ("anyone", "app") and called[1].split("/")[1] == FORBIDDING:
        assert (status, b'"not_authorized"' in raw) == (403, True), seen
    elif role in ("anyone", "app"):
        code = b'"api_token_unknown"' if (role, who) == ("app", "reader") else b'"token_missing"'
        assert (status, code in raw) == (401, True), seen
    else:
        assert (status, b'"insufficient_scope"' in raw) == (403, True), seen


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/docs.js", "/docs/swagger-ui.css"])
async def test_the_page_comes_from_here_may_load_nothing_else_and_is_not_sent_twice(house: House, path: str):
    async with aiohttp.ClientSession(house.daemon.url) as session:
        async with session.get(path) as first:
            assert first.status == 200
            policy = first.headers["Content-Security-Policy"]
            assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy.split("; "))
            assert "unsafe" not in policy
            assert b"://" not in await first.read() or not path.endswith(("docs", "docs.js"))
        tag = first.headers["ETag"]
        # A proxy that compresses makes the tag a weak one.
        for known, status in ((tag, 304), (f'"other", W/{tag}', 304), ("*", 304), ('"other"', 200), ("nonsense", 200)):
            async with session.get(path, headers={"If-None-Match": known}) as again:
                assert (again.status, await again.read() == b"") == (status, status == 304)


@pytest.mark.parametrize("path", ["/docs/README.md", "/docs/..%2fdocs.py", "/docs/", "/docs/x"])
async def test_no_other_file_is_served(house: House, path: str):
    async with aiohttp.ClientSession(house.daemon.url) as session, session.get(path) as answer:
        assert answer.status == 404
