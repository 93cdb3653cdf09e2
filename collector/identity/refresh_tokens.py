"""Refresh tokens: which session, and which of its tokens in turn, under a MAC; nothing of them is stored (RFC 9700, 4.14.2)."""

import base64
import hashlib
import hmac
import struct
from typing import NamedTuple

from collector.identity.caller import TokenInvalid
from storage.derived_key import derived_key

PREFIX = "ffr1_"
"""Tells it from every other token, and its version."""
_PLACE = struct.Struct(">16s16sI")
MAC_BYTES = 16


class RefreshClaims(NamedTuple):
    """What a refresh token says: it is the `counter`-th of the session."""

    user_id: str
    sid: str
    counter: int


class RefreshTokens:
    """Issues and reads refresh tokens under a key derived from `secret`."""

    def __init__(self, secret: str) -> None:
        self._key = derived_key(secret, "refresh token")

    def issue(self, claims: RefreshClaims) -> str:
        """Return the token, the same one each time."""
        place = _PLACE.pack(bytes.fromhex(claims.user_id), bytes.fromhex(claims.sid), claims.counter)
        return PREFIX + base64.urlsafe_b64encode(place + self._mac(place)).decode("ascii").rstrip("=")

    def read(self, token: str) -> RefreshClaims:
        """Return what a token of ours says; TokenInvalid where it is not one."""
        text = token.removeprefix(PREFIX)
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            user_id, sid, counter = _PLACE.unpack_from(raw)
        except (ValueError, struct.error):
            raise TokenInvalid("the token is not one of ours") from None
        claims = RefreshClaims(user_id.hex(), sid.hex(), counter)
        # One token has one spelling: prefix, MAC and every letter are those that we gave.
        if not hmac.compare_digest(self.issue(claims), token):
            raise TokenInvalid("the token is not one of ours")
        return claims

    def _mac(self, place: bytes) -> bytes:
        return hmac.digest(self._key, PREFIX.encode() + place, hashlib.sha256)[:MAC_BYTES]
