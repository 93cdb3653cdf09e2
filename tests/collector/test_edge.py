"""The edge of HTTP: routes and methods, sizes, errors, and the headers of every answer."""

import asyncio
import io
import ipaddress
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from collector.answers import json_answer
from collector.app import build_app
from collector.identity.caller import Caller, NotYours, TokenInvalid
from collector.identity.errors import AuthorizationRepeated, CredentialsWrong, HashQueueFull, NameTaken
from collector.identity.origin import Origins
from collector.routes import Answer, Bodyless, Route, Who
from collector.wire.problem import BodyInvalid, BodyMalformed, BodyTooLarge, FieldError, QueryInvalid
from storage.errors import (
    AuditFailed,
    DirectoryUnusable,
    LogFailed,
    LogFull,
    QueryTimeout,
    StorageError,
    StoreDown,
    UserFileCorrupt,
)

BODY_BYTES_MAX = 10_000
DEADLINE_S = 20.0
SECRET = "/var/lib/footfall: the operator's business"

CALLERS = {
    "ann": Caller("7", "user", "s1"),
    "carl": Caller("9", "analyst", "s2"),
    "dora": Caller("10", "admin", "s3"),
}

Client = TestClient[web.Request, web.Application]


async def authenticate(request: web.Request) -> Caller | None:
    token = request.headers.get("Authorization")
    if token is None:
        return None
    if token not in CALLERS:
        raise TokenInvalid("the token is not ours")
    return CALLERS[token]


SHOWN = {200: Answer(dict)}


class Things:
    """Handlers for every way to be answered; `error` is what /error raises."""

    def __init__(self) -> None:
        self.error: Exception = ZeroDivisionError(SECRET)
        self.bytes_read = 0

    def routes(self) -> list[Route]:
        ways: tuple[Who, ...] = ("anyone", "user", "analyst", "admin")
        return [
            Route("GET", "/thing", self.show, "anyone", SHOWN),
            Route("DELETE", "/thing", self.show, "anyone", SHOWN),
            Route("GET", "/thing/{name}", self.show, "anyone", SHOWN),
            Route("POST", "/thing/new", Bodyless(self.take), "anyone", SHOWN),
            Route("GET", "/error", self.fail, "anyone", SHOWN),
            Route("GET", "/elsewhere", self.lead_away, "anyone", SHOWN),
            *(Route("GET", f"/for/{who}", self.show, who, SHOWN) for who in ways),
        ]

    async def show(self, _: web.Request) -> web.Response:
        """Show."""
        return json_answer({"shown": True})

    async def take(self, request: web.Request) -> web.Response:
        """Take."""
        self.bytes_read = len(await request.read())
        return json_answer({"bytes": self.bytes_read})

    async def fail(self, _: web.Request) -> web.Response:
        """Fail."""
        raise self.error

    async def lead_away(self, _: web.Request) -> web.Response:
        """Lead away."""
        raise web.HTTPFound("/thing")


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
async def client(things: Things) -> AsyncIterator[Client]:
    app = build_app(things.routes(), authenticate, body_bytes_max=BODY_BYTES_MAX)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def raw_answer(client: Client, request: bytes) -> bytes:
    """Return what comes back for the bytes until the daemon closes the connection."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request)
    async with asyncio.timeout(DEADLINE_S):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("path", ["/", "/nothing", "/thing/", "/thing/a/b", "/Thing", "/thing%00", "/%ff%fe"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PROPFIND"])
async def test_h1_an_unknown_path_is_404(client: Client, method: str, path: str):
    answer = await client.request(method, path)
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
    assert await answer.json() == {"title": "Not Found", "status": 404, "code": "not_found", "detail": "Not Found"}
    assert "Allow" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/thing", "DELETE,GET,HEAD"),
        ("PUT", "/thing?a=b", "DELETE,GET,HEAD"),
        ("OPTIONS", "/thing", "DELETE,GET,HEAD"),
        ("PROPFIND", "/thing", "DELETE,GET,HEAD"),
        ("POST", "/thing/other", "GET,HEAD"),
        ("DELETE", "/thing/new", "GET,HEAD,POST"),
        ("POST", "/for/admin", "GET,HEAD"),
    ],
)
async def test_h1_another_method_is_405_with_those_that_are_allowed(
    client: Client, method: str, path: str, allowed: str
):
    answer = await client.request(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert answer.content_type == "application/problem+json"
    assert (await answer.json())["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("who", "statuses"),
    [(None, [200, 401, 401, 401]), ("ann", [200, 200, 403, 403]), ("carl", [200] * 3 + [403]), ("dora", [200] * 4)],
)
async def test_c8_a_route_is_for_its_role_and_those_above(client: Client, who: str | None, statuses: list[int]):
    headers = {} if who is None else {"Authorization": who}
    answers = [await client.get(f"/for/{role}", headers=headers) for role in ("anyone", "user", "analyst", "admin")]
    assert [answer.status for answer in answers] == statuses
    for answer in answers:
        expected = {401: "Bearer", 403: 'Bearer error="insufficient_scope"'}.get(answer.status)
        assert answer.headers.get("WWW-Authenticate") == expected


async def test_a_bad_token_is_401_on_a_guarded_route_only(client: Client):
    eve = {"Authorization": "eve"}
    answer = await client.get("/for/user", headers=eve)
    assert (answer.status, (await answer.json())["code"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert (await client.get("/for/anyone", headers=eve)).status == 200


async def test_h3_a_body_is_taken_up_to_its_limit_and_one_byte_more_is_413(client: Client):
    answer = await client.post("/thing/new", data=b"x" * BODY_BYTES_MAX)
    assert (answer.status, await answer.json()) == (200, {"bytes": BODY_BYTES_MAX})
    answer = await client.post("/thing/new", data=b"x" * (BODY_BYTES_MAX + 1))
    assert (answer.status, (await answer.json())["code"]) == (413, "body_too_large")


async def test_h3_a_body_that_names_no_length_is_413_at_the_limit_however_long_it_goes_on(
    client: Client, things: Things
):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1000

    async with asyncio.timeout(DEADLINE_S):
        answer = await client.post("/thing/new", data=endless())
    assert (answer.status, (await answer.json())["code"]) == (413, "body_too_large")
    assert sent > BODY_BYTES_MAX / 1000
    assert things.bytes_read == 0
    answer.close()


async def test_a_small_body_that_unpacks_to_a_large_one_is_413(client: Client):
    answer = await client.post("/thing/new", data=io.BytesIO(b"x" * 10_000_000), compress="deflate")
    assert (answer.status, (await answer.json())["code"]) == (413, "body_too_large")


async def test_h6_an_error_that_nobody_expected_is_500_with_a_request_id_only(client: Client):
    with capture_logs() as logs:
        answers = [await client.get("/error") for _ in range(2)]
    problems = [await answer.json() for answer in answers]
    for answer, problem, line in zip(answers, problems, logs, strict=True):
        request_id = problem.pop("request_id")
        assert (answer.status, answer.content_type) == (500, "application/problem+json")
        assert problem == {
            "title": "Internal Server Error",
            "status": 500,
            "code": "internal_error",
            "detail": "the error is in the daemon's log under this request_id",
        }
        assert re.fullmatch("[0-9a-f]{16}", request_id)
        assert (line["event"], line["request_id"], str(line["exc_info"])) == ("request_failed", request_id, SECRET)
    assert logs[0]["request_id"] != logs[1]["request_id"]


@pytest.mark.parametrize(
    "error", [KeyError(SECRET), StorageError(SECRET), OSError(28, SECRET), RecursionError(SECRET), TimeoutError(SECRET)]
)
async def test_h6_no_text_of_an_unexpected_error_gets_out(client: Client, things: Things, error: Exception):
    things.error = error
    answer = await client.get("/error")
    assert answer.status == 500
    assert "operator" not in await answer.text()


AWAY = [
    (LogFull, "log_full"),
    (LogFailed, "log_failed"),
    (StoreDown, "store_down"),
    (DirectoryUnusable, "directory_unusable"),
    (UserFileCorrupt, "account_unreadable"),
]


@pytest.mark.parametrize(("kind", "code"), AWAY)
async def test_what_is_away_is_503_and_its_reason_is_for_the_operator(
    client: Client, things: Things, kind: type[Exception], code: str
):
    things.error = kind(SECRET)
    with capture_logs() as logs:
        answer = await client.get("/error")
    assert (answer.status, (await answer.json())["code"]) == (503, code)
    assert 1 <= int(answer.headers["Retry-After"]) <= 5
    assert "operator" not in await answer.text()
    # The log and the store say themselves, once, that they are away: a line for each request would be a flood.
    logged = [(line["event"], line["code"], line["reason"]) for line in logs]
    assert logged == ([("request_refused", code, SECRET)] if kind in (DirectoryUnusable, UserFileCorrupt) else [])


TOLD = [
    (BodyMalformed("why"), 400, "body_malformed"),
    (AuthorizationRepeated("why"), 400, "authorization_repeated"),
    (CredentialsWrong(), 401, "credentials_wrong"),
    (TokenInvalid("why"), 401, "invalid_token"),
    (NotYours("why"), 403, "not_yours"),
    (NameTaken("nickname"), 409, "nickname_taken"),
    (BodyTooLarge("why"), 413, "body_too_large"),
    (HashQueueFull("why"), 503, "hash_queue_full"),
    (QueryTimeout("why"), 503, "query_timeout"),
]


@pytest.mark.parametrize(("error", "status", "code"), TOLD)
async def test_an_error_of_the_table_is_answered_with_its_own_words(
    client: Client, things: Things, error: Exception, status: int, code: str
):
    things.error = error
    answer = await client.get("/error")
    problem = await answer.json()
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert (problem["status"], problem["code"], problem["detail"]) == (status, code, str(error))
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert ("Retry-After" in answer.headers) == (status == 503)


@pytest.mark.parametrize(("kind", "code"), [(BodyInvalid, "body_invalid"), (QueryInvalid, "query_invalid")])
async def test_every_wrong_member_is_in_the_problem(client: Client, things: Things, kind: type[BodyInvalid], code: str):
    things.error = kind(
        [FieldError("$.a", "missing", "there is no a"), FieldError("$.b", "wrong_type", "b is no text")]
    )
    answer = await client.get("/error")
    assert (answer.status, await answer.json()) == (
        422,
        {
            "title": "Unprocessable Content",
            "status": 422,
            "code": code,
            "detail": "$.a: there is no a; $.b: b is no text",
            "errors": [
                {"path": "$.a", "code": "missing", "message": "there is no a"},
                {"path": "$.b", "code": "wrong_type", "message": "b is no text"},
            ],
        },
    )


async def test_an_answer_that_leads_elsewhere_keeps_its_location(client: Client):
    answer = await client.get("/elsewhere", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/thing")


ANSWERS = [("GET", "/thing"), ("GET", "/nothing"), ("POST", "/thing"), ("GET", "/error"), ("GET", "/for/user")]


@pytest.mark.parametrize(("method", "path"), [*ANSWERS, ("HEAD", "/thing"), ("GET", "/elsewhere")])
async def test_h5_every_answer_has_the_headers_of_every_answer(client: Client, method: str, path: str):
    answer = await client.request(method, path, allow_redirects=False)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers.getall("Server") == ["footfall"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [*ANSWERS, ("HEAD", "/thing"), ("GET", "/elsewhere")])
@pytest.mark.parametrize(
    ("proxies", "forwarded", "said"),
    [
        (["127.0.0.0/8"], {"X-Forwarded-Proto": "https"}, "max-age=31536000"),
        (["127.0.0.0/8"], {"X-Forwarded-Proto": "http"}, None),
        (["127.0.0.0/8"], {"X-Forwarded-Proto": "https, http"}, None),
        (["127.0.0.0/8"], {"Forwarded": "proto=https"}, None),
        (["127.0.0.0/8"], {}, None),
        (["192.0.2.0/24"], {"X-Forwarded-Proto": "https"}, None),
        ([], {"X-Forwarded-Proto": "https"}, None),
    ],
)
async def test_h5_who_came_encrypted_through_a_trusted_proxy_is_told_to_come_so_again(
    method: str, path: str, proxies: list[str], forwarded: dict[str, str], said: str | None
):
    trusted = [ipaddress.ip_network(proxy) for proxy in proxies]
    origins = Origins(trusted, lambda _: None)
    app = build_app(Things().routes(), authenticate, body_bytes_max=BODY_BYTES_MAX, over_tls=origins.over_tls)
    async with TestClient(TestServer(app)) as client:
        answer = await client.request(method, path, headers=forwarded, allow_redirects=False)
        assert answer.headers.get("Strict-Transport-Security") == said


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (TokenInvalid("the session has ended"), 401, "invalid_token"),
        (AuditFailed("the disk is full"), 503, "audit_failed"),
        (ZeroDivisionError(SECRET), 500, "internal_error"),
    ],
)
async def test_h6_what_keeps_a_refusal_from_being_put_on_record_is_answered_in_its_place(
    things: Things, failure: Exception, status: int, code: str
):
    things.error = NotYours("that is somebody else's")

    async def forbidden(_: web.Request) -> None:
        raise failure

    app = build_app(things.routes(), authenticate, body_bytes_max=BODY_BYTES_MAX, forbidden=forbidden)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/error")
        assert (answer.status, (await answer.json())["code"]) == (status, code)
        assert answer.headers["Cache-Control"] == "no-store"


UNREADABLE = {
    "no HTTP at all": b"garbage\r\n\r\n",
    "a method that is none": b"BREW /thing HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length and chunks": (
        b"POST /thing/new HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    ),
    "two lengths": b"POST /thing/new HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a NUL in a header": b"GET /thing HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a chunk without a size": b"POST /thing/new HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a long line": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a long header": b"GET /thing HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_h8_what_the_parser_cannot_read_is_400_in_plain_text_and_the_end_of_the_connection(
    client: Client, request_bytes: bytes
):
    # The parser answers before there is a request that a handler of ours could see.
    head, _, _ = (await raw_answer(client, request_bytes)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 ")
    assert b"Server: footfall\r\n" in head + b"\r\n"
    assert b"aiohttp" not in head


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"OPTIONS * HTTP/1.1", b"404"),
        (b"CONNECT a:80 HTTP/1.1", b"404"),
        (b"GET /thing HTTP/1.1\r\nExpect: tea", b"417"),
    ],
)
async def test_h5_no_answer_of_the_library_itself_tells_its_version(client: Client, request_line: bytes, status: bytes):
    answer = await raw_answer(client, request_line + b"\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Server: footfall\r\n" in answer
    assert b"aiohttp" not in answer


async def test_a_client_that_leaves_within_its_body_is_no_failure(client: Client):
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"POST /thing/new HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbeginning")
        await writer.drain()
        await client.get("/thing")  # by its answer the daemon has seen what came before
        writer.close()
        await writer.wait_closed()
        await client.get("/thing")
    assert logs == []
    assert (await client.get("/thing")).status == 200
