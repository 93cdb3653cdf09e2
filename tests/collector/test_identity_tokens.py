"""Access tokens: only ours, only whole, only in their time."""

import base64
import json
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.identity.caller import TokenInvalid
from collector.identity.tokens import AUDIENCE, ISSUER, LEEWAY_S, Tokens
from tests.collector.identity_site import KEY, LIFETIME_S, Clock, bearer, open_site

USER_ID, SID = "0" * 32, "1" * 32


def tokens(clock: Clock | None = None, *, key: str = KEY) -> Tokens:
    return Tokens(key, algorithm="HS256", clock=clock or Clock())


def claims(**changed: object) -> dict[str, object]:
    now = int(Clock().now.timestamp())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": USER_ID, "sid": SID, "jti": "j", "iat": now, "nbf": now}
    return whole | {"exp": now + LIFETIME_S} | changed


def signed(payload: dict[str, object], *, key: str = KEY, algorithm: str = "HS256", **header: object) -> str:
    return jwt.encode(payload, key, algorithm, {"typ": "at+jwt"} | header)


def unsigned(algorithm: str) -> str:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    return f"{part({'alg': algorithm, 'typ': 'at+jwt'})}.{part(claims())}."


def test_a_token_says_who_and_in_which_session() -> None:
    found = tokens().read(tokens().issue(USER_ID, SID, LIFETIME_S))
    assert (found.sub, found.sid, found.exp - found.iat) == (USER_ID, SID, LIFETIME_S)


def test_the_tokens_of_the_cases_below_are_good_but_for_their_fault() -> None:
    assert tokens().read(signed(claims())).sub == USER_ID


def test_two_tokens_of_one_second_differ() -> None:
    one = tokens()
    assert one.issue(USER_ID, SID, LIFETIME_S) != one.issue(USER_ID, SID, LIFETIME_S)


@pytest.mark.parametrize("key", ["", "short", "x" * 31])
def test_a_short_key_is_refused_at_once(key: str) -> None:
    with pytest.raises(jwt.InvalidKeyError):
        tokens(key=key)


FORGED = {
    "empty": "",
    "no dots": "x",
    "dots": "..",
    "four parts": signed(claims()) + ".x",
    "not ASCII": "é.é.é",
    "lone surrogate": "\udcff" + signed(claims()),
    "another key": signed(claims(), key=KEY[::-1]),
    "HS512": signed(claims(), key=KEY * 2, algorithm="HS512"),
    **{f"alg {alg}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", "HS256", "RS256")},
    "typ JWT": signed(claims(), typ="JWT"),
    "typ missing": signed(claims(), typ=None),
    "typ refresh": signed(claims(), typ="rt+jwt"),
    "jku": signed(claims(), jku="https://example.org/keys"),
    "x5u": signed(claims(), x5u="https://example.org/keys"),
    "jwk": signed(claims(), jwk={"kty": "oct", "k": "AAAA"}),
    "kid": signed(claims(), kid="../../etc/passwd"),
    "crit": signed(claims(), crit=["exp"], exp=1),
    "another aud": signed(claims(aud="other")),
    "list aud": signed(claims(aud=[AUDIENCE])),
    "another iss": signed(claims(iss="other")),
    "prefix of iss": signed(claims(iss=ISSUER[:-1])),
    **{f"no {name}": signed({k: v for k, v in claims().items() if k != name}) for name in claims()},
    **{f"null {name}": signed(claims(**{name: None})) for name in claims() if name != "iss"},
    **{f"text {name}": signed(claims(**{name: "1"})) for name in ("iat", "nbf", "exp")},
    **{f"number {name}": signed(claims(**{name: 1})) for name in ("sub", "sid", "jti", "aud")},
    "exp true": signed(claims(exp=True)),
    "exp infinite": signed(claims(exp=1e400)),
    "exp fraction": signed(claims(exp=1e12 + 0.5)),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_a_token_that_is_not_ours_is_invalid(token: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens().read(token)


def test_a_deeply_nested_header_or_payload_is_invalid() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 60_000).decode().rstrip("=")
    whole = signed(claims()).split(".")
    for token in (f"{deep}.{whole[1]}.{whole[2]}", f"{whole[0]}.{deep}.{whole[2]}"):
        with pytest.raises(TokenInvalid):
            tokens().read(token)


def test_every_changed_character_of_a_token_makes_it_invalid() -> None:
    reader, token = tokens(), signed(claims())
    for place, character in enumerate(token):
        for other in (chr(ord(character) ^ 1), "A" if character != "A" else "B", "="):
            with pytest.raises(TokenInvalid):
                reader.read(token[:place] + other + token[place + 1 :])


@given(st.text() | st.text(alphabet="ABCDEFabcdef0123456789-_.=", max_size=200))
def test_any_text_is_invalid_and_nothing_worse(text: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens().read(text)


def test_a_token_ends_at_its_second() -> None:
    clock = Clock()
    reader = tokens(clock)
    token = reader.issue(USER_ID, SID, LIFETIME_S)
    clock.advance(LIFETIME_S - 1)
    assert reader.read(token)
    clock.advance(1)
    with pytest.raises(TokenInvalid, match="ended"):
        reader.read(token)


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_token_of_the_future_is_good_within_the_leeway_only(name: str) -> None:
    now = int(Clock().now.timestamp())
    assert LEEWAY_S <= 30
    assert tokens().read(signed(claims(**{name: now + LEEWAY_S})))
    with pytest.raises(TokenInvalid, match="not good yet"):
        tokens().read(signed(claims(**{name: now + LEEWAY_S + 1})))


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer  x", "Bearer x y", "bearer x", "Bearer a.b.c"])
async def test_a_bad_token_is_answered_401_invalid_token(tmp_path: Path, value: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.client.get("/auth/me", headers={"Authorization": value})
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert (await answer.json())["code"] == "invalid_token"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}])
async def test_c8_no_token_is_answered_401_without_an_error_code(tmp_path: Path, headers: dict[str, str]) -> None:
    async with open_site(tmp_path) as site:
        for ask in (site.client.get("/auth/me", headers=headers), site.client.post("/auth/signout", headers=headers)):
            answer = await ask
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_two_authorization_headers_are_answered_400(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        value = bearer((await site.sign_up())["jwt_token"])["Authorization"]
        answer = await site.client.get("/auth/me", headers=[("Authorization", value), ("Authorization", value)])
        assert answer.status == 400
        assert (await answer.json())["code"] == "authorization_repeated"


async def test_a_token_in_the_query_or_a_cookie_is_no_token(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        cookies = {"Cookie": f"access_token={token}; jwt_token={token}"}
        answer = await site.client.get(f"/auth/me?access_token={token}&jwt_token={token}", headers=cookies)
        assert answer.status == 401


async def test_a_token_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.me("x" * 1_000_000)
        assert answer.status in (400, 401, 431)
