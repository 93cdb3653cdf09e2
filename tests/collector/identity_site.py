"""A site with accounts and nothing else: real files, real hashes at the least cost, a clock that tests move."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from collector.adapters import Identity, identity_of
from collector.administration.auth_events import AuthEventAnswers
from collector.app import build_app
from collector.callers import callers_of
from collector.identity.accounts import Accounts
from collector.identity.audit import FLOODS, FLOODS_MAX, Audit
from collector.identity.erasure import Erasure
from collector.identity.origin import Network, Origins
from collector.identity.otp_keys import OtpKeys
from collector.identity.passwords import Passwords
from collector.identity.refresh_tokens import RefreshTokens
from collector.identity.session import Lifetimes
from collector.identity.sessions import Sessions
from collector.identity.signing_keys import SigningKey, signing_key
from collector.identity.throttle import Rates, Throttle
from collector.identity.tokens import Tokens
from collector.limits import Gcra
from collector.tracking.auth_events import AuthEvents
from collector.tracking.door import Door
from collector.tracking.visitor import known
from storage.audit import AuditEntry, AuditFilter
from storage.audit_file import AuditFile, audit_key
from storage.errors import StoreDown
from storage.kept_file import KeptFile
from storage.ports import EventStore
from storage.query.erasure import ErasureStarted, LogPlace, Person
from storage.user_files import UserFiles
from tests.fakes.apps import MemoryApps
from tests.fakes.log import MemoryLog
from tests.fakes.store import MemoryStore

KEY = "a key of the tests: 0123456789abcdef0123456789abcdef"
KEYS = (signing_key("HS256", KEY),)
PEPPER = b"a pepper of the tests: 0123456789abcdef"
PASSWORD = "correct horse battery"
SITE_NAME = "Turm Café"
BODY_BYTES_MAX = 64 * 1024
LIFETIME_S = 900
DAY_S = 86_400
RATES = Rates(1000, 1000, 1000, 1000)
"""More than a test of something else ever makes."""
FREE_FAILURES = 5
SHIPPED_RATES = Rates(60, 20, FREE_FAILURES, 60)
LIFETIMES = Lifetimes(LIFETIME_S, 7 * DAY_S, 30 * DAY_S)

ANNA = {"firstname": "Anna", "lastname": "Ivanova", "nickname": "anna", "age": 30, "password": PASSWORD}
BORIS = {"name": "Boris", "surname": "Petrov", "email": "boris@example.org", "phone": "+7 900", "password": PASSWORD}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class ErasingStore:
    """Takes note of who is to be erased, unless it is away."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.is_away = False

    async def erase(self, person: Person, until: LogPlace) -> ErasureStarted:
        if self.is_away:
            raise StoreDown("nobody")
        self.people.append(person)
        return ErasureStarted(1)

    def unlisted(self, user_ids: Iterable[str]) -> set[str]:
        return set(user_ids) - {one.user_id for one in self.people}


class Site(NamedTuple):
    client: TestClient[Request, Application]
    accounts: Accounts
    sessions: Sessions
    users: UserFiles
    clock: Clock
    log: MemoryLog
    audit: AuditFile
    store: MemoryStore
    erasing: ErasingStore
    apps: MemoryApps

    async def audited(self, **wanted: Any) -> list[AuditEntry]:
        """Return what is on record, the oldest first."""
        return (await self.audit.page(AuditFilter(**wanted), limit=1000)).entries[::-1]

    async def post(self, path: str, body: object) -> ClientResponse:
        return await self.client.post(path, json=body)

    async def sign_up(self, **members: object) -> dict[str, Any]:
        answer = await self.post("/auth/signup", ANNA | members)
        assert answer.status == 200, await answer.text()
        envelope: dict[str, Any] = await answer.json()
        return envelope

    async def add_admin(self, nickname: str = "boss") -> str:
        """Return the token of a new administrator."""
        await self.accounts.add_admin(nickname, PASSWORD)
        return str((await (await self.sign_in(nickname)).json())["jwt_token"])

    async def sign_in(self, nickname: str = "anna", password: str = PASSWORD) -> ClientResponse:
        return await self.post("/auth/signin", {"nickname": nickname, "password": password})

    async def me(self, token: str) -> ClientResponse:
        return await self.client.get("/auth/me", headers=bearer(token))

    async def sign_out(self, token: str) -> ClientResponse:
        return await self.client.post("/auth/signout", headers=bearer(token))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def open_site(
    directory: Path,
    *,
    clock: Clock | None = None,
    cost: int = 4,
    threads: int = 2,
    queue_max: int = 64,
    password_length_min: int = 8,
    sessions_max: int = 10,
    lifetimes: Lifetimes = LIFETIMES,
    trusted_proxies: Sequence[Network] = (),
    rates: Rates = RATES,
    asked: EventStore | None = None,
    erasing: ErasingStore | None = None,
    keys: Sequence[SigningKey] = KEYS,
) -> AsyncIterator[Site]:
    """Open what is in the directory: leaving and entering again is a restart."""
    clock = clock or Clock()
    log = MemoryLog()
    door = Door(clock, random.Random(1).getrandbits, event_bytes_max=32 * 1024)
    chain_key = audit_key(KEY)
    async with (
        AuditFile(directory / "audit", chain_key) as audit_file,
        UserFiles(directory / "users", cached_users_max=10) as users,
        Passwords(PEPPER, cost=cost, threads=threads, queue_max=queue_max) as passwords,
    ):
        floods = Gcra(FLOODS, clock.seconds, keys_max=FLOODS_MAX)
        audit = Audit(audit_file, chain_key, AuthEvents(log, door).append, clock, floods)
        tokens = Tokens(keys, clock=clock)
        kept = KeptFile(directory / "throttle.json")
        throttle = Throttle(rates, KEY.encode(), kept, clock, clock.seconds)
        sessions = Sessions(
            users,
            tokens,
            RefreshTokens(KEY),
            audit,
            clock,
            throttle=throttle,
            lifetimes=lifetimes,
            sessions_max=sessions_max,
        )
        identity = identity_of(
            users,
            passwords,
            sessions,
            throttle,
            audit_log=audit_file,
            audit=audit,
            otp_keys=OtpKeys(PEPPER.decode()),
            clock=clock,
            password_length_min=password_length_min,
            site_name=SITE_NAME,
        )
        store = MemoryStore(clock)
        erasing = erasing or ErasingStore()
        erasure = _erasure(identity, erasing, log, clock)
        origins = Origins(trusted_proxies, known)
        apps = MemoryApps()
        callers = callers_of(
            identity, erasure, None, keys, apps=apps, store=asked or store, origins=origins, clock=clock
        )
        routes = [*callers.routes, *AuthEventAnswers(audit_file).routes()]
        app = build_app(routes, callers.authenticate, body_bytes_max=BODY_BYTES_MAX, forbidden=callers.forbidden)
        running = [asyncio.create_task(one) for one in (identity.throttle.run(), erasure.run())]
        async with TestClient(TestServer(app)) as client:
            yield Site(client, identity.accounts, sessions, users, clock, log, audit_file, store, erasing, apps)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _erasure(identity: Identity, erasing: ErasingStore, log: MemoryLog, clock: Clock) -> Erasure:
    async def end() -> LogPlace:
        return LogPlace(log.log_id, len(log.lines))

    unlisted = erasing.unlisted
    return Erasure(identity.users, erasing, identity.audit, end=end, unlisted=unlisted, clock=clock, retry_s=0.01)
