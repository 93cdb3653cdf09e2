"""Who the console is to a daemon: the tokens of a session, and how the next ones are come by when they have ended."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from console.errors import TokenUnusable
from console.token_file import Tokens, given_token, read_tokens, write_tokens

LOCK_WAIT_S = 20.0
"""How long a refresh waits for another process that is at it; longer than that one may take."""
LOCK_LOOK_S = 0.05

Refresh = Callable[[str], Awaitable[Tokens]]
"""Give the next pair for a refresh token; Refused where the session has ended."""


class Credentials:
    """Tokens that all requests of a process share; those of a file also with every other process that reads it."""

    def __init__(self, tokens: Tokens, token_file: Path | None = None) -> None:
        self._tokens = tokens
        self._file = token_file

    @property
    def jwt_token(self) -> str:
        """What is sent as Bearer."""
        return self._tokens.jwt_token

    async def renew(self, ended: str, refresh: Refresh) -> bool:
        """Have another jwt_token than the one that has `ended`, and return whether there is one.

        The file is read first: another process may have refreshed, or somebody signed in. A new pair is in the file
        before it is used. Must not run twice at a time, nor be cancelled: the answer to a refresh would be lost.

        Raises:
            Refused: the refresh is not granted.
            TokenUnusable: the file cannot be read or written.
        """
        if self._tokens.jwt_token != ended:
            return True
        if self._file is None:
            return False
        try:
            found = await _newest(self._file, ended, refresh)
        except OSError as error:
            raise TokenUnusable(f"{self._file}: the session cannot be kept: {error.strerror}") from None
        if found is None:
            return False
        self._tokens = found
        return True


def kept_credentials(path: Path, environ: Mapping[str, str]) -> Credentials | None:
    """Return the token of the environment, else those of the file; None when nobody has signed in.

    Raises:
        TokenUnusable: as `read_tokens` does.
    """
    given = given_token(environ)
    if given is not None:
        return Credentials(given)
    tokens = read_tokens(path)
    return None if tokens is None else Credentials(tokens, path)


async def _newest(path: Path, ended: str, refresh: Refresh) -> Tokens | None:
    found = read_tokens(path)
    if found is not None and found.jwt_token == ended and found.refresh_token is not None:
        async with _locked(path):
            found = await _refreshed(path, ended, refresh)
    return None if found is None or found.jwt_token == ended else found


async def _refreshed(path: Path, ended: str, refresh: Refresh) -> Tokens | None:
    found = read_tokens(path)
    if found is None or found.jwt_token != ended or found.refresh_token is None:
        return found
    new = await refresh(found.refresh_token)
    write_tokens(path, new)
    return new


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    # Not the file itself: it is replaced. Two refreshes within the daemon's grace would do no harm, but a process may be
    # stopped between reading and asking for longer than that, and then its refresh would end the session.
    lock = path.with_name(f".{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for _ in range(round(LOCK_WAIT_S / LOCK_LOOK_S)):
            if _taken(descriptor):
                break
            await asyncio.sleep(LOCK_LOOK_S)
        else:
            raise TokenUnusable(f"{path}: another process has been renewing the session for {LOCK_WAIT_S:.0f} s")
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
