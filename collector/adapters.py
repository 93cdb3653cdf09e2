"""The adapters that both the daemon and the verbs open, as the settings say."""

import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import structlog

from collector.applications.built_in import built_in_app
from collector.config import Secrets
from collector.identity.accounts import Accounts
from collector.identity.audit import FLOODS, FLOODS_MAX, Audit, Tell
from collector.identity.erasure import Erasure
from collector.identity.otp_check import OtpCheck
from collector.identity.otp_keys import OtpKeys
from collector.identity.password_rules import PasswordRules
from collector.identity.passwords import Passwords
from collector.identity.profile import Profiles
from collector.identity.provider import Provider
from collector.identity.reauthentication import Reauthentication
from collector.identity.refresh_tokens import RefreshTokens
from collector.identity.second_factor import SecondFactors
from collector.identity.session import Lifetimes
from collector.identity.sessions import Sessions
from collector.identity.signing_keys import SigningKey, signing_key
from collector.identity.standing import Standings
from collector.identity.throttle import Rates, Throttle
from collector.identity.tokens import Tokens
from collector.limits import Gcra
from collector.settings import Settings
from collector.store_process import StoreProcess
from collector.tracking.countries import Countries
from collector.tracking.door import Door
from storage.app import App
from storage.audit import AuditRow
from storage.audit_file import AuditFile, audit_key
from storage.derived_key import derived_key
from storage.kept_file import KeptFile
from storage.query.erasure import LogPlace
from storage.settings import StoreSettings
from storage.store_client import StoreClient
from storage.suppression import SUPPRESSION_NAME, Suppression, erasure_key
from storage.user_files import UserFiles
from storage.wal.log import WriteAheadLog

log = structlog.get_logger()


class Identity(NamedTuple):
    """The accounts of a data directory, their sessions, and what limits them."""

    accounts: Accounts
    sessions: Sessions
    throttle: Throttle
    standings: Standings
    users: UserFiles
    audit_log: AuditFile
    audit: Audit
    profiles: Profiles
    second_factors: SecondFactors


@contextlib.asynccontextmanager
async def open_identity(settings: Settings, secrets: Secrets, tell: Tell) -> AsyncIterator[Identity]:
    """Open the accounts of a data directory whose lock is held, their sessions, and the record of both."""
    identity = settings.identity
    pepper = secrets.password_pepper.get_secret_value()
    passwords = Passwords(
        pepper.encode(),
        cost=identity.bcrypt_cost,
        threads=identity.hash_threads,
        queue_max=identity.hash_queue_max,
    )
    audit_file = AuditFile(settings.data.dir / "audit", audit_key(pepper))
    floods = Gcra(FLOODS, time.monotonic, keys_max=FLOODS_MAX)
    audit = Audit(audit_file, derived_key(pepper, "audit name"), tell, now, floods)
    users = UserFiles(settings.data.dir / "users", cached_users_max=identity.cached_users_max)
    throttle = Throttle(
        Rates(
            identity.signins_per_minute,
            identity.signups_per_minute,
            identity.free_failures,
            identity.changes_per_minute,
        ),
        derived_key(pepper, "throttle"),
        KeptFile(settings.data.dir / "throttle.json"),
        now,
        time.monotonic,
    )
    sessions = Sessions(
        users,
        Tokens(keys_of(secrets), clock=now),
        RefreshTokens(pepper),
        audit,
        now,
        throttle=throttle,
        lifetimes=Lifetimes(
            60 * secrets.access_token_expire_minutes, identity.session_idle_s, identity.session_absolute_s
        ),
        sessions_max=identity.sessions_max,
    )
    async with audit_file, users, passwords:
        yield identity_of(
            users,
            passwords,
            sessions,
            throttle,
            audit_log=audit_file,
            audit=audit,
            otp_keys=OtpKeys(pepper),
            clock=now,
            password_length_min=identity.password_length_min,
            site_name=identity.site_name,
        )


def identity_of(
    users: UserFiles,
    passwords: Passwords,
    sessions: Sessions,
    throttle: Throttle,
    *,
    audit_log: AuditFile,
    audit: Audit,
    otp_keys: OtpKeys,
    clock: Callable[[], datetime],
    password_length_min: int,
    site_name: str,
) -> Identity:
    """Return the rules of accounts over what is open."""
    rules = PasswordRules(length_min=password_length_min, site_name=site_name)
    check = OtpCheck(otp_keys, clock)
    again = Reauthentication(passwords, throttle, clock, audit=audit)
    return Identity(
        accounts=Accounts(
            users, passwords, sessions, throttle, clock, audit=audit, password_rules=rules, otp_check=check
        ),
        sessions=sessions,
        throttle=throttle,
        standings=Standings(users, audit, clock),
        users=users,
        audit_log=audit_log,
        audit=audit,
        profiles=Profiles(users, passwords, again, throttle, clock, audit=audit, password_rules=rules),
        second_factors=SecondFactors(users, again, otp_keys, audit, clock, site_name=site_name),
    )


@contextlib.asynccontextmanager
async def open_provider(settings: Settings) -> AsyncIterator[Provider | None]:
    """Open the connections to the outside identity provider; None where we keep the accounts ourselves."""
    url = settings.identity.provider_url
    if not url:
        yield None
        return
    if url.startswith("http://") and urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("identity_in_clear", url=url, remedy="tokens can be read on the way: use https://")
    async with Provider(url, timeout_s=settings.identity.provider_timeout_s) as provider:
        yield provider


def keys_of(secrets: Secrets) -> tuple[SigningKey, ...]:
    """Return the keys of access tokens: the one that signs, then those that still verify."""
    texts = (secrets.secret_key, *secrets.old_secret_keys)
    return tuple(signing_key(secrets.algorithm, text.get_secret_value()) for text in texts)


async def untold(_row: AuditRow, _anonymous_id: str | None) -> None:
    """Tell nobody: without a log there are no events of what is done."""


@contextlib.asynccontextmanager
async def open_accounts(settings: Settings, secrets: Secrets) -> AsyncIterator[Accounts]:
    """Open the accounts of a data directory whose lock is held."""
    async with open_identity(settings, secrets, untold) as identity:
        yield identity.accounts


def erasure_of(
    settings: Settings,
    secrets: Secrets,
    identity: Identity,
    client: StoreClient,
    end: Callable[[], Awaitable[LogPlace]],
) -> Erasure:
    """Return what erases users of a data directory; `end` ends what is written of the log, and returns its place."""

    def unlisted(user_ids: Iterable[str]) -> set[str]:
        listed = Suppression(
            settings.data.dir / SUPPRESSION_NAME, erasure_key(secrets.password_pepper.get_secret_value())
        )
        listed.open()
        return listed.unlisted(user_ids)

    return Erasure(identity.users, client, identity.audit, end=end, unlisted=unlisted, clock=now)


def store_process(settings: Settings, secrets: Secrets, client: StoreClient) -> StoreProcess:
    """Return the store process of a data directory, not running yet, that `client` asks."""
    store = settings.store
    told = StoreSettings(
        data=str(settings.data.dir.absolute()),
        link=-1,
        memory_limit_mb=store.memory_limit_mb,
        threads=store.threads,
        batch_age_s=store.batch_age_s,
        batch_events=store.batch_events,
        batch_bytes_max=store.batch_bytes_max,
        checkpoint_s=store.checkpoint_s,
        rejected_bytes_max=store.rejected_bytes_max,
        emulate_slow_s=store.emulate_slow_s,
        erasure_key=erasure_key(secrets.password_pepper.get_secret_value()),
        query_threads=store.query_threads,
        query_timeout_s=store.query_timeout_s,
        log_level=settings.logging.level,
        log_format=log_format(settings),
    )
    return StoreProcess(
        client,
        told,
        restart_wait_s=store.restart_wait_s,
        restart_wait_s_max=store.restart_wait_s_max,
        stop_wait_s=settings.server.shutdown_s,
    )


def write_ahead_log(settings: Settings) -> WriteAheadLog:
    """Return the log of a data directory, a new one at every start; open it with `async with`."""
    log = settings.log
    return WriteAheadLog(
        settings.data.dir / "log",
        group_bytes_max=log.group_bytes_max,
        group_events_max=log.group_events_max,
        segment_bytes_max=log.segment_bytes_max,
        segment_age_s=log.segment_age_s,
        fence_idle_s=log.fence_idle_s,
        unflushed_bytes_max=log.unflushed_bytes_max,
        append_wait_s=log.append_wait_s,
        disk_free_bytes_min=log.disk_free_bytes_min,
        backlog_bytes_max=log.backlog_bytes_max,
    )


def event_door(settings: Settings) -> Door:
    """Return the door that every item of a site goes through."""
    return Door(now, random.Random().getrandbits, event_bytes_max=settings.tracking.event_bytes_max)  # noqa: S311 - ids, not secrets


def built_in_of(settings: Settings) -> App:
    """Return the application of the site itself."""
    site = settings.site
    return built_in_app(site.origins, site.hostnames, site.visitors)


def countries_of(settings: Settings) -> Countries | None:
    """Return who knows the countries of addresses, open, None where no file is given; CountriesUnreadable as there."""
    if not settings.privacy.geo_database:
        return None
    countries = Countries(Path(settings.privacy.geo_database))
    countries.open()
    return countries


def log_format(settings: Settings) -> Literal["json", "text"]:
    """Return how log lines are written: as text where a person reads them, unless the settings say otherwise."""
    if settings.logging.format == "auto":
        return "text" if sys.stderr.isatty() else "json"
    return settings.logging.format


def now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)
