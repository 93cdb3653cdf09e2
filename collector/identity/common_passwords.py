"""The passwords that are guessed first; where the list is from says common_passwords.NOTICE."""

import functools
import gzip
from importlib import resources

LIST = "common_passwords.txt.gz"
"""Beside this module: one a line, in lower case and of 8 characters or more."""


def is_common(password: str) -> bool:
    """Return whether the password is on the list, in whichever case; the first call reads that."""
    return f"\n{password.casefold()}\n".encode() in _lines()


@functools.cache
def _lines() -> bytes:
    # One object of 156 kB that is searched in 0.03 ms: a set of the texts would take ten times as much memory.
    return b"\n" + gzip.decompress(resources.files(__package__).joinpath(LIST).read_bytes())
