"""Recovery codes: each signs in once in place of the authenticator app, for those who lost theirs."""

import base64
import re
import secrets

CODES = 10
CODE_BYTES = 10
"""80 random bits, 16 characters of base32: nobody guesses one, and so a wrong one needs no wait behind it."""

_GROUP = re.compile(r"....")


def new_codes() -> list[str]:
    """Return CODES new ones, in groups of four characters."""
    return ["-".join(_GROUP.findall(_random_base32())) for _ in range(CODES)]


def _random_base32() -> str:
    return base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode("ascii").lower()
