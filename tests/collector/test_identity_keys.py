"""The keys of access tokens: their ids, their rotation, and what others are told of them."""

import base64
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.identity.caller import TokenInvalid
from collector.identity.signing_keys import Algorithm, signing_key, thumbprint
from collector.identity.tokens import AUDIENCE, ISSUER, Tokens
from collector.wire.keys import KEY_SET_AGE_S_MAX
from tests.collector.identity_site import KEY, LIFETIME_S, Clock, Site, bearer, open_site

BOTH = pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
NEWER = KEY[::-1]
ROTATION = [signing_key("EdDSA", NEWER), signing_key("EdDSA", KEY)]


async def key_set(site: Site) -> list[dict[str, Any]]:
    answer = await site.client.get("/.well-known/jwks.json")
    assert answer.status == 200
    keys: list[dict[str, Any]] = (await answer.json())["keys"]
    return keys


def test_the_id_of_an_ed25519_key_is_the_thumbprint_of_rfc_8037_appendix_a_3() -> None:
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    assert x == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@BOTH
def test_a_key_is_the_same_at_every_start_and_another_for_another_secret(algorithm: Algorithm) -> None:
    first, again, other = (signing_key(algorithm, secret) for secret in (KEY, KEY, NEWER))
    assert first.kid == again.kid != other.kid
    assert KEY not in first.kid
    token = Tokens([first], clock=Clock()).issue("u", "s", LIFETIME_S)
    assert Tokens([again], clock=Clock()).read(token).sub == "u"
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "kid": first.kid, "typ": "at+jwt"}


@BOTH
def test_c10_old_and_new_key_both_verify_until_the_old_one_is_dropped(algorithm: Algorithm) -> None:
    old, new = signing_key(algorithm, KEY), signing_key(algorithm, NEWER)
    before, meanwhile, after = (Tokens(keys, clock=Clock()) for keys in ([old], [new, old], [new]))
    first, second = before.issue("u", "s", LIFETIME_S), meanwhile.issue("u", "s", LIFETIME_S)
    assert jwt.get_unverified_header(second)["kid"] == new.kid
    assert meanwhile.read(first).sub == meanwhile.read(second).sub == after.read(second).sub == "u"
    for reader, token in ((after, first), (before, second)):
        with pytest.raises(TokenInvalid):
            reader.read(token)


@BOTH
async def test_c10_a_new_key_ends_no_session(tmp_path: Path, algorithm: Algorithm) -> None:
    old, new = signing_key(algorithm, KEY), signing_key(algorithm, NEWER)
    async with open_site(tmp_path, keys=[old]) as site:
        first = await site.sign_up()
    async with open_site(tmp_path, keys=[new, old]) as site:
        assert (await site.me(first["jwt_token"])).status == 200
    async with open_site(tmp_path, keys=[new]) as site:
        assert (await site.me(first["jwt_token"])).status == 401
        await require_refreshed(site, first["refresh_token"])


@pytest.mark.parametrize(("first", "second"), [("HS256", "EdDSA"), ("EdDSA", "HS256")])
async def test_c10_another_algorithm_ends_access_tokens_and_no_session(
    tmp_path: Path, first: Algorithm, second: Algorithm
) -> None:
    async with open_site(tmp_path, keys=[signing_key(first, KEY)]) as site:
        envelope = await site.sign_up()
    async with open_site(tmp_path, keys=[signing_key(second, KEY)]) as site:
        assert (await site.me(envelope["jwt_token"])).status == 401
        await require_refreshed(site, envelope["refresh_token"])


async def require_refreshed(site: Site, refresh_token: str) -> None:
    answer = await site.client.post("/auth/refresh", headers=bearer(refresh_token))
    assert answer.status == 200
    assert (await site.me((await answer.json())["jwt_token"])).status == 200


async def test_c10_the_key_set_has_the_public_parts_of_every_key_that_verifies_and_nothing_else(tmp_path: Path) -> None:
    async with open_site(tmp_path, keys=ROTATION) as site:
        told = await key_set(site)
    assert [one["kid"] for one in told] == [key.kid for key in ROTATION]
    for one in told:
        assert one.keys() == {"kid", "x", "kty", "crv", "alg", "use"}
        assert (one["kty"], one["crv"], one["alg"], one["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")


async def test_c10_others_can_check_a_token_with_the_key_set(tmp_path: Path) -> None:
    async with open_site(tmp_path, keys=ROTATION) as site:
        token = Tokens(ROTATION, clock=Clock()).issue("u", "s", LIFETIME_S)
        public = {one["kid"]: jwt.PyJWK(one) for one in await key_set(site)}
    key = public[jwt.get_unverified_header(token)["kid"]]
    unchecked_times = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    found = jwt.decode(token, key, ["EdDSA"], unchecked_times, audience=AUDIENCE, issuer=ISSUER)
    assert found["sub"] == "u"


async def test_c10_with_hs256_the_key_set_is_empty(tmp_path: Path) -> None:
    async with open_site(tmp_path, keys=[signing_key("HS256", NEWER), signing_key("HS256", KEY)]) as site:
        assert await key_set(site) == []


@BOTH
async def test_c10_the_key_set_is_cacheable(tmp_path: Path, algorithm: Algorithm) -> None:
    async with open_site(tmp_path, keys=[signing_key(algorithm, KEY)]) as site:
        first = await site.client.get("/.well-known/jwks.json")
        assert first.headers["Cache-Control"] == f"public, max-age={KEY_SET_AGE_S_MAX}"
        tag = first.headers["ETag"]
        for known, status in ((tag, 304), (f"W/{tag}", 304), ("*", 304), ('"other"', 200)):
            again = await site.client.get("/.well-known/jwks.json", headers={"If-None-Match": known})
            assert (again.status, await again.read() == b"") == (status, status == 304)


async def test_c10_another_key_gives_the_key_set_another_tag(tmp_path: Path) -> None:
    tags = set()
    for keys in (ROTATION, ROTATION[:1], ROTATION[1:]):
        async with open_site(tmp_path, keys=keys) as site:
            tags.add((await site.client.get("/.well-known/jwks.json")).headers["ETag"])
    assert len(tags) == 3
