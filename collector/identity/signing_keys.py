"""The keys of access tokens, each made of one secret text of the operator's and known by its `kid`."""

import base64
import hashlib
from typing import Literal, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from collector.wire.keys import PublicKey
from storage.derived_key import derived_key

Algorithm = Literal["HS256", "EdDSA"]

KID_BYTES = 8
"""Of a secret key's id; it tells keys apart and need not resist anybody."""


class SigningKey(NamedTuple):
    """One key of one algorithm, which it is never used without (RFC 8725, section 3.1).

    `public` is None where the algorithm has no public part: whoever could verify could sign.
    """

    kid: str
    algorithm: Algorithm
    signs: str | Ed25519PrivateKey
    verifies: str | Ed25519PublicKey
    public: PublicKey | None


def signing_key(algorithm: Algorithm, secret: str) -> SigningKey:
    """Return the key that a secret text stands for, always the same one.

    With HS256 it is the text itself. Ed25519 takes any 32 bytes as a private key (RFC 8032, section 5.1.5), so one is
    derived, and both algorithms have one way to keep, change and drop keys.
    """
    if algorithm == "HS256":
        return SigningKey(derived_key(secret, "key id")[:KID_BYTES].hex(), algorithm, secret, secret, None)
    private = Ed25519PrivateKey.from_private_bytes(derived_key(secret, "Ed25519 key"))
    public = private.public_key()
    x = _base64url(public.public_bytes_raw())
    kid = thumbprint(x)
    return SigningKey(kid, algorithm, private, public, PublicKey(kid=kid, x=x))


def thumbprint(x: str) -> str:
    """Return the SHA-256 thumbprint of an Ed25519 key (RFC 7638, section 3; RFC 8037, section 2)."""
    required = msgspec.json.encode({"crv": "Ed25519", "kty": "OKP", "x": x})
    return _base64url(hashlib.sha256(required).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
