"""The tokens of the console are renewed: once, for every process that shares them, and so that none is lost."""

import asyncio
import contextlib
import stat

import pytest
from aiohttp import web

from collector.identity.session import GRACE_S
from console.client import Client
from console.credentials import Credentials, kept_credentials
from console.errors import Refused, TokenUnusable, Unreachable
from console.token_file import Tokens, read_tokens, write_tokens
from tests.collector.identity_site import DAY_S, LIFETIME_S, open_site


@pytest.fixture
async def site(tmp_path):
    directory = tmp_path / "site"
    directory.mkdir()
    async with open_site(directory) as found:
        await found.sign_up()
        yield found


@pytest.fixture
async def file(site, tmp_path):
    """The token file of a session whose jwt_token has ended."""
    path = tmp_path / "token"
    write_tokens(path, await signed_in(site))
    site.clock.advance(LIFETIME_S + 60)
    return path


async def signed_in(site):
    envelope = await (await site.sign_in()).json()
    return Tokens(envelope["jwt_token"], envelope["refresh_token"])


@contextlib.asynccontextmanager
async def opened(site, credentials):
    async with Client(str(site.client.make_url("/")), credentials) as client:
        yield client


async def refreshes(site):
    """How often the sessions of the user were refreshed; the one of the sign-up never was."""
    return sum(session.counter for session in (await site.users.by_nickname("anna")).sessions)


async def test_a_question_is_asked_again_with_the_next_token(site, file):
    before = read_tokens(file)
    async with opened(site, kept_credentials(file, {})) as client:
        assert b'"nickname":"anna"' in await client.get("auth/me")
        site.clock.advance(LIFETIME_S + 60)
        assert b'"nickname":"anna"' in await client.get("auth/me")
    after = read_tokens(file)
    assert before.refresh_token != after.refresh_token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await refreshes(site) == 2
    async with opened(site, kept_credentials(file, {})) as client:
        await client.get("auth/me")
    assert await refreshes(site) == 2


async def test_questions_at_once_refresh_once(site, file):
    async with opened(site, kept_credentials(file, {})) as client:
        answers = await asyncio.gather(*(client.get("auth/me") for _ in range(10)))
    assert len(set(answers)) == 1
    assert await refreshes(site) == 1


async def test_consoles_with_one_file_refresh_once(site, file):
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(opened(site, kept_credentials(file, {}))) for _ in range(5)]
        await asyncio.gather(*(client.get("auth/me") for client in clients))
    assert await refreshes(site) == 1


async def test_what_another_process_left_in_the_file_is_used_long_after_the_grace(site, file):
    late = kept_credentials(file, {})
    async with opened(site, kept_credentials(file, {})) as client:
        await client.get("auth/me")
    site.clock.advance(GRACE_S + 60)
    async with opened(site, late) as client:
        await client.get("auth/me")
    assert await refreshes(site) == 1


async def test_what_another_process_left_may_have_ended_too(site, file):
    late = kept_credentials(file, {})
    async with opened(site, kept_credentials(file, {})) as client:
        await client.get("auth/me")
    site.clock.advance(LIFETIME_S + 60)
    async with opened(site, late) as client:
        await client.get("auth/me")
    assert await refreshes(site) == 2


async def test_a_sign_in_of_another_process_is_taken_over(site, file):
    late = kept_credentials(file, {})
    write_tokens(file, await signed_in(site))
    async with opened(site, late) as client:
        await client.get("auth/me")
    assert await refreshes(site) == 0


@pytest.mark.parametrize("bare", ["file", "environment"])
async def test_a_token_alone_is_used_until_it_ends(site, tmp_path, bare):
    file, token = tmp_path / "bare", (await signed_in(site)).jwt_token
    if bare == "file":
        file.write_text(f"{token}\n")
        file.chmod(0o600)
    credentials = kept_credentials(file, {"FOOTFALL_TOKEN": token} if bare == "environment" else {})
    async with opened(site, credentials) as client:
        await client.get("auth/me")
        site.clock.advance(LIFETIME_S + 60)
        with pytest.raises(Refused, match="401 invalid_token"):
            await client.get("auth/me")
    assert {one.name for one in tmp_path.iterdir()} == {"site"} | ({"bare"} if bare == "file" else set())


async def test_the_token_of_the_environment_has_nothing_to_do_with_the_file(site, file):
    other = (await signed_in(site)).jwt_token
    kept = read_tokens(file)
    site.clock.advance(LIFETIME_S + 60)
    async with opened(site, kept_credentials(file, {"FOOTFALL_TOKEN": other})) as client:
        with pytest.raises(Refused, match="401 invalid_token"):
            await client.get("auth/me")
    assert read_tokens(file) == kept


async def sign_out(site, file):
    first = read_tokens(file)
    async with opened(site, kept_credentials(file, {})) as client:
        await client.get("auth/me")
    await site.sign_out(read_tokens(file).jwt_token)
    write_tokens(file, first)


async def use_again(site, file):
    first = read_tokens(file)
    async with opened(site, kept_credentials(file, {})) as client:
        await client.get("auth/me")
    site.clock.advance(GRACE_S + 60)
    write_tokens(file, first)


async def wait_too_long(site, file):
    site.clock.advance(8 * DAY_S)


async def damage(site, file):
    write_tokens(file, Tokens(read_tokens(file).jwt_token, "ffr1_nonsense"))


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (sign_out, "invalid_token"),
        (use_again, "refresh_token_reused"),
        (wait_too_long, "session_expired"),
        (damage, "invalid_token"),
    ],
)
async def test_a_refresh_that_is_refused_is_told(site, file, end, code):
    await end(site, file)
    async with opened(site, kept_credentials(file, {})) as client:
        with pytest.raises(Refused) as refused:
            await client.get("auth/me")
    assert (refused.value.status, refused.value.code) == (401, code)


async def test_tokens_whose_file_is_gone_are_not_renewed(site, file):
    credentials = kept_credentials(file, {})
    file.unlink()
    async with opened(site, credentials) as client:
        with pytest.raises(Refused, match="401 invalid_token"):
            await client.get("auth/me")
    assert await refreshes(site) == 0


async def test_where_the_next_pair_could_not_be_kept_none_is_asked_for(site, file):
    (file.parent / ".token.lock").mkdir()
    async with opened(site, kept_credentials(file, {})) as client:
        with pytest.raises(TokenUnusable, match="token: the session cannot be kept: Is a directory"):
            await client.get("auth/me")
    assert await refreshes(site) == 0


async def test_the_next_pair_is_in_the_file_before_it_is_used(tmp_path):
    file, new = tmp_path / "token", Tokens("new", "ffr1_new")
    write_tokens(file, Tokens("old", "ffr1_old"))
    credentials = kept_credentials(file, {})

    async def refresh(refresh_token):
        assert refresh_token == "ffr1_old"
        file.unlink()
        file.mkdir()  # which nothing can be renamed to
        return new

    with pytest.raises(TokenUnusable):
        await credentials.renew("old", refresh)
    assert credentials.jwt_token == "old"
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".token.") and one.suffix != ".lock"] == []


async def test_a_question_that_is_given_up_loses_no_refresh(tmp_path, aiohttp_server):
    file, asked, go_on = tmp_path / "token", asyncio.Event(), asyncio.Event()
    write_tokens(file, Tokens("old", "ffr1_old"))

    async def refresh(request):
        asked.set()
        await go_on.wait()
        return web.json_response({"jwt_token": "new", "refresh_token": "ffr1_new"})

    server = await aiohttp_server(daemon(refresh))
    async with Client(str(server.make_url("/")), kept_credentials(file, {})) as client:
        question = asyncio.create_task(client.get("auth/me"))
        await asked.wait()
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        go_on.set()
    assert read_tokens(file) == Tokens("new", "ffr1_new")


async def test_an_answer_that_is_lost_is_asked_for_once_more(tmp_path, aiohttp_server):
    file, asked = tmp_path / "token", []
    write_tokens(file, Tokens("old", "ffr1_old"))

    async def refresh(request):
        asked.append(request.headers["Authorization"])
        if len(asked) == 1:
            request.transport.abort()
        return web.json_response({"jwt_token": "new", "refresh_token": "ffr1_new"})

    server = await aiohttp_server(daemon(refresh))
    async with Client(str(server.make_url("/")), kept_credentials(file, {})) as client:
        assert await client.get("auth/me") == b'"new"'
    assert asked == ["Bearer ffr1_old"] * 2


async def test_a_daemon_that_goes_away_meanwhile_leaves_the_file_as_it_is(tmp_path, aiohttp_server):
    file = tmp_path / "token"
    write_tokens(file, Tokens("old", "ffr1_old"))

    async def refresh(request):
        request.transport.abort()
        return web.Response()

    server = await aiohttp_server(daemon(refresh))
    async with Client(str(server.make_url("/")), kept_credentials(file, {})) as client:
        with pytest.raises(Unreachable):
            await client.get("auth/me")
    assert read_tokens(file) == Tokens("old", "ffr1_old")


async def test_a_token_that_is_never_taken_is_no_endless_question(tmp_path, aiohttp_server):
    file, count = tmp_path / "token", 0
    write_tokens(file, Tokens("old", "ffr1_0"))

    async def refresh(request):
        nonlocal count
        count += 1
        return web.json_response({"jwt_token": f"bad{count}", "refresh_token": f"ffr1_{count}"})

    server = await aiohttp_server(daemon(refresh))
    async with Client(str(server.make_url("/")), kept_credentials(file, {})) as client:
        with pytest.raises(Refused, match="401 invalid_token"):
            await client.get("auth/me")
    assert count == 2


async def test_a_process_that_holds_the_lock_for_ever_is_told(tmp_path, monkeypatch):
    file, asked = tmp_path / "token", asyncio.Event()
    write_tokens(file, Tokens("old", "ffr1_old"))
    monkeypatch.setattr("console.credentials.LOCK_WAIT_S", 0.2)

    async def refresh(_):
        asked.set()
        await asyncio.Event().wait()

    holding = asyncio.create_task(kept_credentials(file, {}).renew("old", refresh))
    await asked.wait()
    with pytest.raises(TokenUnusable, match="another process has been renewing the session"):
        await kept_credentials(file, {}).renew("old", refresh)
    holding.cancel()


async def test_credentials_without_a_file_end_with_their_token():
    assert not await Credentials(Tokens("old", "ffr1_old")).renew("old", None)


def daemon(refresh):
    """A daemon that takes the token `new` and no other."""

    async def me(request):
        if request.headers["Authorization"] == "Bearer new":
            return web.json_response("new")
        body = {"type": "about:blank", "title": "T", "status": 401, "code": "invalid_token", "detail": "it has ended"}
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return web.json_response(body, status=401, headers=headers)

    app = web.Application()
    app.router.add_get("/auth/me", me)
    app.router.add_post("/auth/refresh", refresh)
    return app
