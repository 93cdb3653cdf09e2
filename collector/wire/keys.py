"""Public keys as GET /.well-known/jwks.json shows them: a JSON Web Key Set (RFC 7517)."""

from typing import Literal

import msgspec

KEY_SET_AGE_S_MAX = 300


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """An Ed25519 key (RFC 8037, section 2), without its private part `d`; `kid` is its thumbprint (RFC 7638)."""

    kid: str
    x: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"


class KeySet(msgspec.Struct, frozen=True):
    """The keys that verify, the one that signs first."""

    keys: list[PublicKey]
