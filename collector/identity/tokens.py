"""Access tokens: JWTs (RFC 7519) in the profile of RFC 9068, checked as RFC 8725 says."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

import jwt
import msgspec

from collector.identity.caller import TokenInvalid
from collector.identity.signing_keys import SigningKey

TYPE = "at+jwt"
"""RFC 9068, section 2.1: no other JWT of ours can be taken for an access token."""

ISSUER = "footfall"
AUDIENCE = "footfall"

LEEWAY_S = 30
"""How far another clock of ours may be ahead (nbf, iat); a token is never good beyond its end."""


class Claims(msgspec.Struct, frozen=True):
    """What a token says; times are whole seconds since 1970 (RFC 7519, NumericDate)."""

    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    iat: int
    nbf: int
    exp: int


class Tokens:
    """Issues tokens under the first of the `keys`, and reads those of each; `clock` gives aware times.

    Raises:
        jwt.InvalidKeyError: a key is shorter than its algorithm's hash (RFC 7518, section 3.2).
    """

    def __init__(
        self,
        keys: Sequence[SigningKey],
        *,
        clock: Callable[[], datetime],
        random_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._key = keys[0]
        self._clock = clock
        self._random_hex = random_hex
        # Times are checked here, against our own clock.
        self._jwt = jwt.PyJWT(
            {
                "enforce_minimum_key_length": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            }
        )
        # Signs with each key, so that a weak one shows at once, not at the first sign-in.
        self._keys = {self._signed({}, key).partition(".")[0]: key for key in keys}

    def issue(self, user_id: str, sid: str, lifetime_s: int) -> str:
        """Return a token of the session that is good for `lifetime_s`; no two are the same."""
        now = int(self._clock().timestamp())
        claims = Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            sub=user_id,
            sid=sid,
            jti=self._random_hex(16),
            iat=now,
            nbf=now,
            exp=now + lifetime_s,
        )
        return self._signed(msgspec.to_builtins(claims), self._key)

    def read(self, token: str) -> Claims:
        """Return what a token of ours says; TokenInvalid when it is not, or not at this time."""
        try:
            claims = self._verified(token)
        except (jwt.PyJWTError, msgspec.ValidationError, UnicodeEncodeError):
            raise TokenInvalid("the token is not one of ours") from None
        now = self._clock().timestamp()
        if claims.exp <= now:
            raise TokenInvalid("the token has ended")
        if max(claims.iat, claims.nbf) > now + LEEWAY_S:
            raise TokenInvalid("the token is not good yet")
        return claims

    def _verified(self, token: str) -> Claims:
        # Nothing in a header is of use to us, and much has been to attackers: jku, x5u, jwk, crit (RFC 8725, 3.10). So
        # none is parsed before it is found to be, letter by letter, the one that we give to tokens of one of our keys.
        key = self._keys.get(token.partition(".")[0])
        # RFC 7515, section 2, has no padding; PyJWT takes some, and one token has one spelling.
        if key is None or token.endswith("="):
            raise jwt.InvalidTokenError
        payload = self._jwt.decode(token, key.verifies, algorithms=[key.algorithm], audience=AUDIENCE, issuer=ISSUER)
        return msgspec.convert(payload, Claims)

    def _signed(self, payload: dict[str, object], key: SigningKey) -> str:
        return self._jwt.encode(payload, key.signs, key.algorithm, {"typ": TYPE, "kid": key.kid})
