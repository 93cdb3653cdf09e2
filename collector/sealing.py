"""Sealing: encrypts what must not be read from a file without the secrets of .env."""

import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.sealed import Sealed

KEY_BYTES = 32
KEY_ID_BYTES = 4
NONCE_BYTES = 12
"""NIST SP 800-38D, section 8.2.2: random ones of this length, up to 2^32 of them under one key."""


class SealBroken(Exception):
    """It was sealed under another secret or for another place, or was changed since."""


class Sealer:
    """Seals under keys derived from one secret by HKDF (RFC 5869), one for each place.

    A place is a text that names what is kept and whose it is, such as `otp:<user_id>`. It is authenticated as well, so
    that nothing sealed can be put in the place of something else.
    """

    def __init__(self, secret: bytes, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._secret = secret
        self._random_bytes = random_bytes
        self._key_id = self._derived("key id", KEY_ID_BYTES).hex()

    def seal(self, content: bytes, place: str) -> Sealed:
        """Return the content sealed for a place, another text each time."""
        nonce = self._random_bytes(NONCE_BYTES)
        ciphertext = self._cipher(place).encrypt(nonce, content, place.encode())
        return Sealed(key_id=self._key_id, nonce=nonce, ciphertext=ciphertext)

    def unseal(self, sealed: Sealed, place: str) -> bytes:
        """Return what was sealed for this place; SealBroken where it was not."""
        if sealed.key_id != self._key_id:
            raise SealBroken(f"{place} is sealed under the key {sealed.key_id}, ours is {self._key_id}")
        try:
            return self._cipher(place).decrypt(sealed.nonce, sealed.ciphertext, place.encode())
        except (InvalidTag, ValueError):  # ValueError: a nonce of another length
            raise SealBroken(f"what is sealed for {place} was changed") from None

    def _cipher(self, place: str) -> AESGCM:
        return AESGCM(self._derived(f"place {place}", KEY_BYTES))

    def _derived(self, purpose: str, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=f"footfall sealing {purpose}".encode()).derive(self._secret)
