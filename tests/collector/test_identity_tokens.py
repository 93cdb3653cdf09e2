"""Access tokens of both algorithms: only ours, only whole, only in their time; section C of the security checklist."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from collector.identity.caller import TokenInvalid
from collector.identity.signing_keys import SigningKey, signing_key
from collector.identity.tokens import AUDIENCE, ISSUER, LEEWAY_S, Tokens
from tests.collector.identity_site import KEY, LIFETIME_S, Clock, bearer, open_site
from tests.touched import touched

USER_ID, SID = "0" * 32, "1" * 32
OURS = {"HS256": signing_key("HS256", KEY), "EdDSA": signing_key("EdDSA", KEY)}
BOTH = pytest.mark.parametrize("key", OURS.values(), ids=OURS)
RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2048)

EVIL = signing_key("EdDSA", "an attacker's own: 0123456789abcdef")

Forge = Callable[[SigningKey], str]


def tokens(key: SigningKey = OURS["HS256"], clock: Clock | None = None) -> Tokens:
    return Tokens([key], clock=clock or Clock())


def claims(**changed: object) -> dict[str, object]:
    now = int(Clock().now.timestamp())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": USER_ID, "sid": SID, "jti": "j", "iat": now, "nbf": now}
    return whole | {"exp": now + LIFETIME_S} | changed


def signed(key: SigningKey, payload: dict[str, object], **header: object) -> str:
    return jwt.encode(payload, key.signs, key.algorithm, {"typ": "at+jwt", "kid": key.kid} | header)


def segment(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str) -> Forge:
    return lambda key: f"{segment({'alg': algorithm, 'kid': key.kid, 'typ': 'at+jwt'})}.{segment(claims())}."


def by(algorithm: str, secret: object) -> Forge:
    """Sign with another key, by another algorithm, in the name of the key."""

    def forge(key: SigningKey) -> str:
        made = jwt.PyJWT({"enforce_minimum_key_length": False})
        return made.encode(claims(), secret, algorithm, {"typ": "at+jwt", "kid": key.kid})

    return forge


def public_forms() -> dict[str, bytes]:
    """Return what an attacker may take for an HS256 key: the public one in every form that it is told in."""
    public = OURS["EdDSA"].verifies
    assert isinstance(public, Ed25519PublicKey)
    encoding, form = serialization.Encoding, serialization.PublicFormat
    return {
        "raw": public.public_bytes_raw(),
        "DER": public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo),
        "JWK": json.dumps(jwt.algorithms.OKPAlgorithm.to_jwk(public, as_dict=True)).encode(),
    }


def by_hmac(secret: bytes) -> Forge:
    """Sign with HMAC by hand: PyJWT would refuse to take a public key for a secret."""

    def forge(key: SigningKey) -> str:
        start = f"{segment({'alg': 'HS256', 'kid': key.kid, 'typ': 'at+jwt'})}.{segment(claims())}"
        mac = jwt.get_algorithm_by_name("HS256").sign(start.encode(), secret)
        return f"{start}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    return forge


def claiming(**changed: object) -> Forge:
    return lambda key: signed(key, claims(**changed))


def headed(**header: object) -> Forge:
    return lambda key: signed(key, claims(), **header)


def without(name: str) -> Forge:
    return lambda key: signed(key, {member: value for member, value in claims().items() if member != name})


def refuse(key: SigningKey, forge: Forge) -> None:
    with pytest.raises(TokenInvalid):
        tokens(key).read(forge(key))


@BOTH
def test_a_token_says_who_and_in_which_session(key: SigningKey) -> None:
    found = tokens(key).read(tokens(key).issue(USER_ID, SID, LIFETIME_S))
    assert (found.sub, found.sid, found.exp - found.iat) == (USER_ID, SID, LIFETIME_S)


@BOTH
def test_the_tokens_of_the_cases_below_are_good_but_for_their_fault(key: SigningKey) -> None:
    assert tokens(key).read(signed(key, claims())).sub == USER_ID


def test_two_tokens_of_one_second_differ() -> None:
    one = tokens()
    assert one.issue(USER_ID, SID, LIFETIME_S) != one.issue(USER_ID, SID, LIFETIME_S)


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_c9_a_short_key_is_refused_at_once_also_as_an_older_one(secret: str) -> None:
    for keys in ([signing_key("HS256", secret)], [OURS["HS256"], signing_key("HS256", secret)]):
        with pytest.raises(jwt.InvalidKeyError):
            Tokens(keys, clock=Clock())


C1: dict[str, Forge] = {
    **{f"alg {alg}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", "HS256", "EdDSA", "RS256")},
    "alg missing": lambda key: f"{segment({'kid': key.kid, 'typ': 'at+jwt'})}.{segment(claims())}.",
    **{f"HS256 with the public key, {form}": by_hmac(public) for form, public in public_forms().items()},
    "HS256 with an empty key": by_hmac(b""),
    "HS384": by("HS384", KEY),
    "HS512": by("HS512", KEY * 2),
    "RS256": by("RS256", RSA),
    "another key": lambda key: by(key.algorithm, signing_key(key.algorithm, KEY[::-1]).signs)(key),
    "the other algorithm": lambda key: signed(next(one for one in OURS.values() if one is not key), claims()),
    "the other algorithm in this key's name": lambda key: by(*other_of(key))(key),
}


def other_of(key: SigningKey) -> tuple[str, object]:
    (other,) = [one for one in OURS.values() if one is not key]
    return other.algorithm, other.signs


@BOTH
@pytest.mark.parametrize("forge", C1.values(), ids=C1)
def test_c1_no_other_algorithm_and_no_other_key_will_do(key: SigningKey, forge: Forge) -> None:
    refuse(key, forge)


C2: dict[str, Forge] = {
    "jku": headed(jku="https://example.org/keys"),
    "x5u": headed(x5u="https://example.org/keys"),
    "x5c": headed(x5c=["AAAA"]),
    "jwk": headed(jwk={"kty": "oct", "k": "AAAA"}),
    "jwk of an attacker": lambda key: signed(EVIL, claims(), jwk=msgspec.to_builtins(EVIL.public), kid=key.kid),
    **{
        f"kid {kid}": headed(kid=kid)
        for kid in ("", "unknown", "../../etc/passwd", "/dev/null", "file:///etc/passwd", "' OR 1=1 --", "\0", "é")
    },
    "kid missing": lambda key: jwt.encode(claims(), key.signs, key.algorithm, {"typ": "at+jwt"}),
    "kid in capitals": lambda key: headed(kid=key.kid.swapcase())(key),
    "crit unknown": headed(crit=["unheard-of"], **{"unheard-of": 1}),
    "crit exp": headed(crit=["exp"], exp=1),
    "crit empty": headed(crit=[]),
    "b64": lambda key: f"{segment({'alg': key.algorithm, 'b64': False, 'crit': ['b64'], 'kid': key.kid})}..AAAA",
    "zip": headed(zip="DEF"),
    "cty": headed(cty="JWT"),
}


@BOTH
@pytest.mark.parametrize("forge", C2.values(), ids=C2)
def test_c2_nothing_in_a_header_is_obeyed_and_nothing_is_fetched_or_read_for_it(key: SigningKey, forge: Forge) -> None:
    reader, token = tokens(key), forge(key)
    reader.read(signed(key, claims()))  # whatever is loaded late is loaded now
    with touched() as seen, pytest.raises(TokenInvalid):
        reader.read(token)
    assert seen == []


@BOTH
def test_c3_a_token_of_another_type_is_invalid(key: SigningKey) -> None:
    for kind in ("JWT", "rt+jwt", "at+JWT", "application/at+jwt", ""):
        refuse(key, headed(typ=kind))
    refuse(key, headed(typ=None))


C4: dict[str, Forge] = {
    "another aud": claiming(aud="other"),
    "list aud": claiming(aud=[AUDIENCE]),
    "another iss": claiming(iss="other"),
    "prefix of iss": claiming(iss=ISSUER[:-1]),
    "longer iss": claiming(iss=ISSUER + "x"),
    **{f"no {name}": without(name) for name in claims()},
    **{f"null {name}": claiming(**{name: None}) for name in claims() if name != "iss"},
    **{f"text {name}": claiming(**{name: "1"}) for name in ("iat", "nbf", "exp")},
    **{f"number {name}": claiming(**{name: 1}) for name in ("sub", "sid", "jti", "aud")},
    "exp true": claiming(exp=True),
    "exp infinite": claiming(exp=1e400),
    "exp fraction": claiming(exp=1e12 + 0.5),
}


@BOTH
@pytest.mark.parametrize("forge", C4.values(), ids=C4)
def test_c4_every_claim_is_there_and_ours(key: SigningKey, forge: Forge) -> None:
    refuse(key, forge)


@BOTH
def test_c5_a_token_ends_at_its_second(key: SigningKey) -> None:
    clock = Clock()
    reader = tokens(key, clock)
    token = reader.issue(USER_ID, SID, LIFETIME_S)
    clock.advance(LIFETIME_S - 1)
    assert reader.read(token)
    clock.advance(1)
    with pytest.raises(TokenInvalid, match="ended"):
        reader.read(token)


@BOTH
@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_c5_a_token_of_the_future_is_good_within_the_leeway_only(name: str, key: SigningKey) -> None:
    now = int(Clock().now.timestamp())
    assert LEEWAY_S <= 30
    assert tokens(key).read(signed(key, claims(**{name: now + LEEWAY_S})))
    for ahead_s in (LEEWAY_S + 1, 120):
        with pytest.raises(TokenInvalid, match="not good yet"):
            tokens(key).read(signed(key, claims(**{name: now + ahead_s})))


@BOTH
def test_c6_every_changed_character_of_a_token_makes_it_invalid(key: SigningKey) -> None:
    reader, token = tokens(key), signed(key, claims())
    for place, character in enumerate(token):
        for other in (chr(ord(character) ^ 1), "A" if character != "A" else "B", "="):
            with pytest.raises(TokenInvalid):
                reader.read(token[:place] + other + token[place + 1 :])


@BOTH
def test_c6_a_token_that_is_cut_or_goes_on_is_invalid(key: SigningKey) -> None:
    reader, token = tokens(key), signed(key, claims())
    for other in (
        *(token[:end] for end in range(len(token))),
        *(token + more for more in (".", ".x", "=", "==", "A", " ")),
    ):
        with pytest.raises(TokenInvalid):
            reader.read(other)


@BOTH
@given(st.text() | st.text(alphabet="ABCDEFabcdef0123456789-_.=", max_size=200))
def test_c6_any_text_is_invalid_and_nothing_worse(key: SigningKey, text: str) -> None:
    head = signed(key, claims()).partition(".")[0]
    for token in (text, f"{head}.{text}", f"{head}.{text}.{text}", f"\udcff{head}", f"{head}.\udcff.x"):
        with pytest.raises(TokenInvalid):
            tokens(key).read(token)


@BOTH
def test_c7_a_deeply_nested_header_or_payload_is_invalid(key: SigningKey) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 60_000).decode().rstrip("=")
    head, _, mac = signed(key, claims()).split(".")
    for token in (f"{deep}.{segment(claims())}.{mac}", f"{head}.{deep}.{mac}"):
        with pytest.raises(TokenInvalid):
            tokens(key).read(token)


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer  x", "Bearer x y", "bearer x", "Bearer a.b.c"])
async def test_c1_a_bad_token_is_answered_401_invalid_token(tmp_path: Path, value: str) -> None:
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


async def test_c7_two_authorization_headers_are_answered_400(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        value = bearer((await site.sign_up())["jwt_token"])["Authorization"]
        answer = await site.client.get("/auth/me", headers=[("Authorization", value), ("Authorization", value)])
        assert answer.status == 400
        assert (await answer.json())["code"] == "authorization_repeated"


async def test_c7_a_token_in_the_query_or_a_cookie_is_no_token(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        cookies = {"Cookie": f"access_token={token}; jwt_token={token}"}
        answer = await site.client.get(f"/auth/me?access_token={token}&jwt_token={token}", headers=cookies)
        assert answer.status == 401


async def test_c7_a_token_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.me("x" * 1_000_000)
        assert answer.status in (400, 401, 431)
