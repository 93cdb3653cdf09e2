"""The form of tokens: a prefix that says what a token is for, a secret, and a checksum that tells a mistyped one."""

import hashlib
import zlib

from collector.applications.codes import RandomBytes

WRITE_PREFIX = "ffw_"
READ_PREFIX = "ffr_"

SECRET_BYTES = 20
"""160 bits of chance; 128 are what nobody guesses."""
CHECKSUM_DIGITS = 8
ID_BYTES = 8


def new_token(prefix: str, random_bytes: RandomBytes) -> str:
    """Return a token: the prefix, the secret and the CRC-32 of both, in hexadecimal."""
    body = prefix + random_bytes(SECRET_BYTES).hex()
    return body + _checksum(body)


def new_token_id(random_bytes: RandomBytes) -> str:
    """Return what names a token where the token itself should not stand."""
    return random_bytes(ID_BYTES).hex()


def is_well_formed(token: str, prefix: str) -> bool:
    """Return whether the token could be one of ours; its checksum proves nothing but that it was not mistyped."""
    body, checksum = token[:-CHECKSUM_DIGITS], token[-CHECKSUM_DIGITS:]
    return token.isascii() and body.startswith(prefix) and checksum == _checksum(body)


def digest_of(token: str) -> str:
    """Return what is kept of a read token: with so many random bits a plain hash cannot be searched."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):0{CHECKSUM_DIGITS}x}"
