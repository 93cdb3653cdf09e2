"""What was sealed: unreadable in its file without a secret that is not there."""

from typing import Literal

import msgspec


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A ciphertext under AES-256-GCM with the tag behind it; `key_id` names the secret that its key was derived from."""

    key_id: str
    alg: Literal["A256GCM"] = "A256GCM"
    nonce: bytes
    ciphertext: bytes
