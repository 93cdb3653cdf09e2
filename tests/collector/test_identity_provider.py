"""The outside identity provider, asked over real sockets: who is let in, who is not, and at what cost to us."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from collector.identity.caller import Caller, TokenInvalid
from collector.identity.errors import IdentityUnreachable
from collector.identity.provider import ANSWER_BYTES_MAX, ASKING_MAX, TRIES, Provider

TOKEN = "a.good-token_~+/=="
GOOD = {"user_id": "7", "role": "user", "nickname": "ann", "unheard_of": [1]}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """The other side: `answer` says what it does; `asked` has every request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answer(request)


@asynccontextmanager
async def providing(
    answer: Answer, *, path: str = "", timeout_s: float = 5.0
) -> AsyncIterator[tuple[Provider, Service]]:
    """Yield a provider and the service that it asks; it has long to answer, unless the test is about that."""
    service = Service(answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    async with (
        TestServer(app) as server,
        Provider(f"http://{server.host}:{server.port}{path}", timeout_s=timeout_s) as provider,
    ):
        yield provider, service


def always(body: object = GOOD, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return answer


def raw(content: bytes, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=content, headers=headers)

    return answer


async def never(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize("path", ["", "/accounts"])
async def test_it_is_asked_with_the_callers_own_token_and_nothing_else_of_his(path: str) -> None:
    async with providing(always(), path=path) as (provider, service):
        assert await provider.authenticate(TOKEN) == Caller("7", "user", "")
    (asked,) = service.asked
    assert (asked.method, asked.path, asked.query_string) == ("GET", f"{path}/auth/me", "")
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers.keys() <= {"Host", "Authorization", "User-Agent", "Accept", "Accept-Encoding"}


@pytest.mark.parametrize(
    ("role", "here"),
    [
        ("user", "user"),
        ("analyst", "analyst"),
        ("admin", "admin"),
        ("owner", "user"),
        ("Admin", "user"),
        ("", "user"),
        ("admin ", "user"),
    ],
)
async def test_a_role_that_is_not_ours_is_a_user(role: str, here: str) -> None:
    async with providing(always(GOOD | {"role": role})) as (provider, _):
        assert (await provider.authenticate(TOKEN)).role == here


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_it_refuses_is_invalid_and_not_asked_for_again(status: int) -> None:
    async with providing(always({}, status)) as (provider, service):
        with pytest.raises(TokenInvalid):
            await provider.authenticate(TOKEN)
    assert len(service.asked) == 1


@pytest.mark.parametrize("token", ["", " ", "a b", "a\tb", "=", "a=b", "é", "\udcff", "a\r\nX: y", "{}", 'a"', "a,b"])
async def test_what_can_be_no_token_is_invalid_without_a_question(token: str) -> None:
    async with providing(always()) as (provider, service):
        with pytest.raises(TokenInvalid):
            await provider.authenticate(token)
    assert service.asked == []


UNUSABLE: dict[str, Answer] = {
    **{f"status {status}": always(GOOD, status) for status in (201, 202, 400, 404, 429, 500, 503)},
    "204": lambda _: asyncio.sleep(0, web.Response(status=204)),
    "not JSON": raw(b"<html>"),
    "empty": raw(b""),
    "not UTF-8": raw(b'{"user_id": "\xff", "role": "admin"}'),
    "an array": always([GOOD]),
    "null": always(None),
    "nested deeply": raw(b"[" * 60_000),
    **{f"no {name}": always({member: value for member, value in GOOD.items() if member != name}) for name in GOOD},
    "null role": always(GOOD | {"role": None}),
    "list of roles": always(GOOD | {"role": ["admin"]}),
    "number for an id": always(GOOD | {"user_id": 7}),
    "empty id": always(GOOD | {"user_id": ""}),
    "long id": always(GOOD | {"user_id": "7" * 65}),
    "too long": always(GOOD | {"padding": "x" * ANSWER_BYTES_MAX}),
    "packed": raw(b"\x1f\x8b", **{"Content-Encoding": "gzip"}),
    "cut": cut,
}
del UNUSABLE["no nickname"], UNUSABLE["no unheard_of"]


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE)
async def test_an_answer_that_says_nothing_lets_nobody_in(answer: Answer) -> None:
    async with providing(answer) as (provider, _):
        with pytest.raises(IdentityUnreachable):
            await provider.authenticate(TOKEN)


async def test_a_redirect_is_not_followed_as_the_token_is_for_the_provider_alone() -> None:
    async with providing(always()) as (_, other):

        async def elsewhere(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(f"http://{request.host}/other")

        async with providing(elsewhere) as (provider, service):
            with pytest.raises(IdentityUnreachable):
                await provider.authenticate(TOKEN)
    assert other.asked == []
    assert {request.path for request in service.asked} == {"/auth/me"}


@pytest.mark.parametrize("failure", [cut, always({}, 500), raw(b"")], ids=["cut", "500", "empty"])
async def test_one_failure_is_tried_again_and_costs_nobody_his_request(failure: Answer) -> None:
    async with providing(failure) as (provider, service):

        async def then_good(request: web.Request) -> web.StreamResponse:
            return await (failure if len(service.asked) == 1 else always())(request)

        service.answer = then_good
        with capture_logs() as lines:
            assert (await provider.authenticate(TOKEN)).user_id == "7"
    assert len(service.asked) == 2
    assert lines == []


async def test_it_is_tried_so_often_and_no_more() -> None:
    async with providing(always({}, 500)) as (provider, service):
        with pytest.raises(IdentityUnreachable):
            await provider.authenticate(TOKEN)
    assert len(service.asked) == TRIES == 2


async def test_a_provider_that_does_not_answer_is_given_up() -> None:
    async with providing(never, timeout_s=0.05) as (provider, service):
        with pytest.raises(IdentityUnreachable):
            await provider.authenticate(TOKEN)
    assert len(service.asked) == TRIES


async def test_a_provider_that_sends_byte_by_byte_is_given_up() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b'{"user_id"')
        return await never(request)

    async with providing(drip, timeout_s=0.05) as (provider, _):
        with pytest.raises(IdentityUnreachable):
            await provider.authenticate(TOKEN)


async def test_nobody_at_the_address_lets_nobody_in() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        async with Provider(f"http://127.0.0.1:{taken.getsockname()[1]}", timeout_s=5.0) as provider:
            with pytest.raises(IdentityUnreachable):
                await provider.authenticate(TOKEN)


async def test_one_question_too_many_is_refused_at_once_and_the_others_are_answered() -> None:
    go = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await go.wait()
        return await always()(request)

    async with providing(slow, timeout_s=30.0) as (provider, service):
        asking = [asyncio.create_task(provider.authenticate(TOKEN)) for _ in range(ASKING_MAX)]
        while len(service.asked) < ASKING_MAX:
            await asyncio.sleep(0.01)  # until all of them have arrived
        with pytest.raises(IdentityUnreachable):
            await provider.authenticate(TOKEN)
        go.set()
        assert {(await one).user_id for one in asking} == {"7"}
        assert (await provider.authenticate(TOKEN)).user_id == "7"


async def test_nothing_is_remembered_between_two_requests() -> None:
    async with providing(always(GOOD | {"role": "admin"})) as (provider, service):
        assert (await provider.authenticate(TOKEN)).role == "admin"
        service.answer = always(GOOD | {"role": "user"})
        assert (await provider.authenticate(TOKEN)).role == "user"
        service.answer = always({}, 401)
        with pytest.raises(TokenInvalid):
            await provider.authenticate(TOKEN)


async def test_a_cookie_of_one_answer_is_not_sent_with_the_next_question() -> None:
    async with providing(raw(b'{"user_id": "7", "role": "user"}', **{"Set-Cookie": "sid=1"})) as (provider, service):
        for _ in range(2):
            await provider.authenticate(TOKEN)
    assert all("Cookie" not in request.headers for request in service.asked)


async def test_the_log_says_once_that_it_is_away_and_once_that_it_is_back_without_a_token() -> None:
    async with providing(always({}, 500)) as (provider, service):
        with capture_logs() as lines:
            for _ in range(3):
                with pytest.raises(IdentityUnreachable):
                    await provider.authenticate(TOKEN)
            service.answer = always()
            for _ in range(3):
                await provider.authenticate(TOKEN)
    assert [line["event"] for line in lines] == ["identity_unreachable", "identity_reachable"]
    assert lines[0]["reason"] == "it answered 500"
    assert TOKEN not in str(lines)
