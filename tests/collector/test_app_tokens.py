"""Tokens of applications: write keys that turn over without a gap, read tokens that are secret and scoped."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collector.applications.tokens import READ_PREFIX, SECRET_BYTES, WRITE_PREFIX, is_well_formed, new_token
from tests.collector.app_site import NOW, AppSite, Members, open_apps

BOTH = ["analytics", "definitions"]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[AppSite]:
    async with open_apps(tmp_path) as opened:
        yield opened


async def read_token(site: AppSite, app_code: str, scopes: list[str] = BOTH, **members: object) -> Members:
    return await site.ok("POST", f"/app/{app_code}/read-tokens", {"name": "r", "scopes": scopes} | members)


async def opens(site: AppSite, path: str, token: str) -> tuple[int, bytes]:
    answer = await site.call("GET", path, as_=None, **{"X-Api-Token": token})
    return answer.status, await answer.read()


async def test_f9_tokens_have_128_random_bits_a_prefix_and_a_checksum_and_read_tokens_are_shown_once(tmp_path: Path):
    async with open_apps(tmp_path) as site:
        made = await site.created()
        read = await read_token(site, made["app_code"])
        listed = await site.ok("GET", f"/app/{made['app_code']}/read-tokens")
    assert SECRET_BYTES * 8 >= 128
    for token, prefix in ((made["api_token"], WRITE_PREFIX), (read["read_token"], READ_PREFIX)):
        assert token.startswith(prefix)
        assert is_well_formed(token, prefix)
    assert read["read_token"] not in str(listed)
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    secret = read["read_token"].removeprefix(READ_PREFIX)[: 2 * SECRET_BYTES]
    assert secret.encode() not in files
    assert hashlib.sha256(read["read_token"].encode()).hexdigest().encode() in files


@pytest.mark.parametrize("prefix", [WRITE_PREFIX, READ_PREFIX])
def test_f9_a_token_with_any_other_character_is_not_well_formed(prefix: str):
    token = new_token(prefix, lambda count: bytes(range(count)))
    assert is_well_formed(token, prefix)
    for place, character in enumerate(token):
        other = "0" if character != "0" else "1"
        assert not is_well_formed(token[:place] + other + token[place + 1 :], prefix)
    for wrong in ("", prefix, token[:-1], token + "0", token.upper(), "é" + token[1:]):
        assert not is_well_formed(wrong, prefix)


def test_no_two_tokens_are_alike():
    made = {new_token(WRITE_PREFIX, lambda count, seed=seed: seed.to_bytes(count, "big")) for seed in range(100)}
    assert len(made) == 100


async def test_f10_a_token_that_opens_nothing_is_401_in_one_form_and_one_out_of_scope_403(site: AppSite):
    app_code, other = (await site.created())["app_code"], (await site.created("other"))["app_code"]
    good = await read_token(site, app_code)
    revoked = await read_token(site, app_code)
    expiring = await read_token(site, app_code, expires_at="2026-11-21 13:00:00")
    narrow = await read_token(site, app_code, ["definitions"])
    write = (await site.ok("GET", f"/app/{app_code}"))["api_token"]
    path = f"/reading/{app_code}"
    for one in (good, revoked, expiring):
        assert (await opens(site, path, one["read_token"]))[0] == 200
    await site.ok("DELETE", f"/app/{app_code}/read-tokens/{revoked['token_id']}")
    site.clock.advance(hours=1)
    refused = [
        await opens(site, f"/reading/{other}", good["read_token"]),
        await opens(site, "/reading/nothing", good["read_token"]),
        await opens(site, f"/reading/{other}", narrow["read_token"]),
        await opens(site, path, revoked["read_token"]),
        await opens(site, path, expiring["read_token"]),
        await opens(site, path, write),
        await opens(site, path, good["read_token"][:-1]),
        await opens(site, path, new_token(READ_PREFIX, bytes)),
        await opens(site, path, ""),
        await opens(site, path, "x" * 8000),
    ]
    assert {status for status, _ in refused} == {401}
    assert len({body for _, body in refused}) == 1
    status, body = await opens(site, path, narrow["read_token"])
    assert (status, b'"insufficient_scope"' in body) == (403, True)
    assert (await opens(site, path, good["read_token"]))[0] == 200


async def test_f10_last_used_at_moves_with_every_use_that_was_let_in(tmp_path: Path):
    async with open_apps(tmp_path) as site:
        app_code = (await site.created())["app_code"]
        secret = (await read_token(site, app_code, ["analytics"]))["read_token"]

        async def last_used() -> str | None:
            (shown,) = (await site.ok("GET", f"/app/{app_code}/read-tokens"))["read_tokens"]
            return shown["last_used_at"]

        assert await last_used() is None
        await opens(site, f"/app/{app_code}/events", secret)
        assert await last_used() is None
        await opens(site, f"/reading/{app_code}", secret)
        assert await last_used() == "2026-11-21T12:00:00Z"
        site.clock.advance(minutes=5)
        await opens(site, f"/reading/{app_code}", secret)
        assert await last_used() == "2026-11-21T12:05:00Z"
    async with open_apps(tmp_path) as site:
        assert await last_used() == "2026-11-21T12:05:00Z"


async def test_f10_below_app_where_r1_wants_403_a_token_that_opens_nothing_is_answered_so(site: AppSite):
    app_code = (await site.created())["app_code"]
    good, narrow = await read_token(site, app_code), await read_token(site, app_code, ["analytics"])
    for path in (f"/app/{app_code}", f"/app/{app_code}/events"):
        assert (await opens(site, path, good["read_token"]))[0] == 200
        for token, code in ((narrow["read_token"], b"insufficient_scope"), ("nothing", b"not_authorized")):
            status, body = await opens(site, path, token)
            assert (status, code in body) == (403, True)


async def test_a_read_token_changes_nothing_and_tracks_nothing(site: AppSite):
    app_code = (await site.created())["app_code"]
    secret = (await read_token(site, app_code))["read_token"]
    for method, path, body in (
        ("PATCH", "", {"mode": "warn"}),
        ("DELETE", "", None),
        ("POST", "/token/rotate", None),
        ("GET", "/read-tokens", None),
        ("POST", "/read-tokens", {"name": "r", "scopes": BOTH}),
    ):
        await site.refused(403, method, f"/app/{app_code}{path}", body, as_=None, **{"X-Api-Token": secret})
    assert await site.tracked(secret) == 401


async def test_f11_rotation_refuses_nobody_and_a_revoked_token_is_401_at_once(site: AppSite):
    made = await site.created()
    path, statuses, live = f"/app/{made['app_code']}", [], [made["api_token"]]
    is_over = asyncio.Event()

    async def track() -> None:
        while not is_over.is_set():
            statuses.append(await site.tracked(live[-1]))

    tracking = asyncio.create_task(track())
    for _ in range(5):
        live.append((await site.ok("POST", f"{path}/token/rotate"))["api_token"])
        assert [await site.tracked(token) for token in live[-2:]] == [202, 202]
        old = (await site.ok("GET", path))["tokens"][1]
        await site.ok("DELETE", f"{path}/token/{old['token_id']}")
        assert await site.tracked(old["api_token"]) == 401
    is_over.set()
    await tracking
    assert set(statuses) == {202}


async def test_f11_there_are_two_live_tokens_at_most_the_newest_first_and_one_at_least(site: AppSite):
    made = await site.created()
    path = f"/app/{made['app_code']}"
    second = (await site.ok("POST", f"{path}/token/rotate"))["api_token"]
    shown = await site.ok("GET", path)
    assert shown["api_token"] == second
    assert [one["api_token"] for one in shown["tokens"]] == [second, made["api_token"]]
    assert (await site.refused(409, "POST", f"{path}/token/rotate"))["code"] == "too_many_tokens"
    newest, oldest = (one["token_id"] for one in shown["tokens"])
    await site.ok("DELETE", f"{path}/token/{newest}")
    assert (await site.refused(409, "DELETE", f"{path}/token/{oldest}"))["code"] == "last_token"
    assert (await site.refused(404, "DELETE", f"{path}/token/{newest}"))["code"] == "token_unknown"
    assert await site.tracked(made["api_token"]) == 202


async def test_of_two_revocations_at_once_one_token_is_left(site: AppSite):
    path = f"/app/{(await site.created())['app_code']}"
    await site.ok("POST", f"{path}/token/rotate")
    ids = [one["token_id"] for one in (await site.ok("GET", path))["tokens"]]
    answers = await asyncio.gather(*(site.call("DELETE", f"{path}/token/{token_id}") for token_id in ids))
    assert sorted(answer.status for answer in answers) == [204, 409]
    outcomes = [row.outcome for row in await site.audited() if row.event == "app_token_revoked"]
    assert sorted(outcomes) == ["failure", "success", "success"]


async def test_an_application_has_so_many_read_tokens_and_no_more(site: AppSite):
    app_code = (await site.created())["app_code"]
    made = [await read_token(site, app_code) for _ in range(20)]
    path = f"/app/{app_code}/read-tokens"
    problem = await site.refused(409, "POST", path, {"name": "r", "scopes": BOTH})
    assert problem["code"] == "too_many_tokens"
    listed = (await site.ok("GET", path))["read_tokens"]
    assert [one["token_id"] for one in listed] == [one["token_id"] for one in made]
    await site.ok("DELETE", f"{path}/{made[0]['token_id']}")
    assert (await site.refused(404, "DELETE", f"{path}/{made[0]['token_id']}"))["code"] == "token_unknown"
    await read_token(site, app_code)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"name": ""}, "$.name"),
        ({"name": "a\x00"}, "$.name"),
        ({"scopes": []}, "$.scopes"),
        ({"scopes": ["everything"]}, "$.scopes[0]"),
        ({"scopes": "analytics"}, "$.scopes"),
        ({"expires_at": "tomorrow"}, "$.expires_at"),
        ({"expires_at": NOW.isoformat()}, "$.expires_at"),
        ({"expires_at": "2026-11-21T12:30:00+01:00"}, "$.expires_at"),
        ({"digest": "mine"}, "$.digest"),
    ],
)
async def test_a_read_token_that_cannot_be_is_422(site: AppSite, members: dict[str, object], path: str):
    app_code = (await site.created())["app_code"]
    body = {"name": "r", "scopes": BOTH} | members
    problem = await site.refused(422, "POST", f"/app/{app_code}/read-tokens", body)
    assert [one["path"] for one in problem["errors"]] == [path]


async def test_no_secret_of_a_read_token_goes_on_record(site: AppSite):
    app_code = (await site.created())["app_code"]
    made = await read_token(site, app_code)
    await site.ok("DELETE", f"/app/{app_code}/read-tokens/{made['token_id']}")
    rows = await site.audited()
    assert [row.event for row in rows[1:]] == ["app_read_token_created", "app_read_token_revoked"]
    assert all(row.note == f"{app_code} {made['token_id']}" for row in rows[1:])
