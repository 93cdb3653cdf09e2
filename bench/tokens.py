"""What the check of an access token costs at every request: signature, session and user, beside PyJWT alone."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import jwt

from bench.figures import Figure, aimed, compared
from collector.adapters import keys_of, open_identity
from collector.config import Secrets
from collector.identity.accounts import Person
from collector.identity.origin import Origin
from collector.identity.sessions import Sessions
from collector.identity.signing_keys import Algorithm
from collector.identity.tokens import AUDIENCE, ISSUER
from collector.settings import Data, Identity, Settings
from storage.audit import AuditRow
from storage.files import make_directory

ROUNDS = 5
ROUND_S = 0.2
CHECKS = 50
"""Between two looks at the clock."""
CHECK_US_MAX = 100.0
PASSWORD = "correct horse battery"  # of nobody


class SignedIn(NamedTuple):
    """A user with as many sessions as it may have, and the token of the newest, which is looked at last."""

    sessions: Sessions
    token: str
    secrets: Secrets


def token_figures(directory: Path) -> list[Figure]:
    """Return microseconds of processor time a check, on the files of a user below `directory`, for both algorithms."""
    make_directory(directory / "tokens")
    hs256, eddsa = (asyncio.run(_compared(directory / "tokens" / one, one)) for one in ("HS256", "EdDSA"))
    return [aimed(hs256, f"<= {CHECK_US_MAX:g} us", met=hs256.value <= CHECK_US_MAX), eddsa]


async def _compared(directory: Path, algorithm: Algorithm) -> Figure:
    make_directory(directory)
    ours, alone = [], []
    async with _signed_in(directory, algorithm) as (sessions, token, used):
        key = keys_of(used)[0].verifies

        async def decode() -> None:
            jwt.decode(token, key, [algorithm], audience=AUDIENCE, issuer=ISSUER)

        for _ in range(ROUNDS):
            ours.append(await _us(lambda: sessions.authenticate(token)))
            alone.append(await _us(decode))
    name = "token check, HS256" if algorithm == "HS256" else f"  {algorithm}"
    return compared(name, "us", ours, alone)


@contextlib.asynccontextmanager
async def _signed_in(directory: Path, algorithm: Algorithm) -> AsyncIterator[SignedIn]:
    key, pepper = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
    used = Secrets.model_validate({"secret_key": key, "password_pepper": pepper, "algorithm": algorithm})
    settings = Settings(data=Data(dir=directory), identity=Identity(bcrypt_cost=4))
    origin = Origin("203.0.113.7", "bench")

    async def untold(_row: AuditRow, _anonymous_id: str | None) -> None:
        return

    async with open_identity(settings, used, untold) as identity:
        grant = await identity.accounts.sign_up(Person(nickname="bench"), PASSWORD, origin)
        for _ in range(settings.identity.sessions_max):
            grant = await identity.accounts.sign_in(PASSWORD, origin, nickname="bench", email=None)
        yield SignedIn(identity.sessions, grant.token, used)


async def _us(check: Callable[[], Awaitable[object]]) -> float:
    checks, began = 0, time.thread_time()
    while time.thread_time() < began + ROUND_S:
        for _ in range(CHECKS):
            await check()
        checks += CHECKS
    return (time.thread_time() - began) / checks * 1e6
