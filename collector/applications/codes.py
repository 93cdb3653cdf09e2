"""Codes of applications and event definitions: readable, never the same twice, and harmless in a path (R1)."""

import re
import unicodedata
import uuid
from collections.abc import Callable

SLUG_LENGTH_MAX = 27
"""Characters; with a hyphen and the 36 of a UUID a code has 64, as an identifier may have."""

UUID_BYTES = 16

RandomBytes = Callable[[int], bytes]
"""Gives so many bytes that nobody can guess."""


def slug(name: str) -> str:
    """Return the name in lower-case ASCII letters, digits and hyphens; empty where it has none of them."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH_MAX].strip("-")


def new_code(name: str, kind: str, random_bytes: RandomBytes) -> str:
    """Return the slug of the name, or `kind` where it is empty, a hyphen and a random UUID (RFC 9562, 5.4)."""
    return f"{slug(name) or kind}-{uuid.UUID(bytes=random_bytes(UUID_BYTES), version=4)}"
