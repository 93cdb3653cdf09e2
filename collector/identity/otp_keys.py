"""The keys of second factors: what an authenticator shares with us is sealed, and recovery codes are MACs."""

import hashlib
import hmac

from collector.sealing import Sealer
from storage.derived_key import derived_key
from storage.sealed import Sealed

MAC_DIGITS = 32


class OtpKeys:
    """Keys derived from a secret that lasts as long as the passwords do: with another one no code is right any more."""

    def __init__(self, secret: str) -> None:
        self._sealer = Sealer(secret.encode())
        self._recovery_key = derived_key(secret, "recovery codes")

    def seal(self, user_id: str, shared: bytes) -> Sealed:
        """Return what a user's authenticator shares with us as it is stored."""
        return self._sealer.seal(shared, _place(user_id))

    def unseal(self, user_id: str, sealed: Sealed) -> bytes:
        """Return what was sealed for this user; SealBroken where it was not."""
        return self._sealer.unseal(sealed, _place(user_id))

    def mac(self, user_id: str, recovery_code: str) -> str:
        """Return what is stored of a user's recovery code, in whichever spelling: HMAC-SHA-256.

        Bcrypt is for secrets that people choose. These have 80 random bits: a search is out of reach with the fastest
        hash, and without the key a stolen file does not even tell whether a guess is right.
        """
        plain = recovery_code.replace("-", "").replace(" ", "").lower()
        return hmac.new(self._recovery_key, f"{user_id} {plain}".encode(), hashlib.sha256).hexdigest()[:MAC_DIGITS]


def _place(user_id: str) -> str:
    return f"otp:{user_id}"
