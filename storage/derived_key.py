"""Keys for one purpose each, made of a secret that lasts: who learns one of them learns neither the secret nor the others."""

import hashlib
import hmac


def derived_key(secret: str, purpose: str) -> bytes:
    """Return the 32 bytes for a purpose, always the same: HMAC-SHA-256 as the pseudorandom function (NIST SP 800-108).

    What is stored under such a key is lost with the secret, so a new version must not change a purpose's words.
    """
    return hmac.digest(secret.encode(), f"footfall {purpose}".encode(), hashlib.sha256)
