"""The shape of the settings: every section and key of config.toml with its built-in default and its bounds."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from collector.wire.apps import (
    HOSTNAME_LENGTH_MAX,
    HOSTNAMES_MAX,
    ORIGIN_LENGTH_MAX,
    ORIGINS_MAX,
)
from collector.wire.pattern import HOSTNAME, ORIGIN, SHOULD_BE
from collector.wire.tracking import ITEMS_MAX

KIB, MIB, DAY_S = 1 << 10, 1 << 20, 86_400


LOOPBACK = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
ADDRESS = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[\w.~/-]*)?", re.ASCII)
"""Of a service: nothing but where it is; no user, no question, no space."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
BLOCKED_MAX = 10_000
"""Networks whose events count in no statistics."""


class Section(BaseModel):
    """One table of config.toml; docs/settings.md says what each key means."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


def _networks(given: object) -> object:
    """Return texts as networks, of a variable those between its commas."""
    texts = given.split(",") if isinstance(given, str) else given
    if isinstance(texts, list | tuple):
        return tuple(ipaddress.ip_network(str(text).strip()) for text in texts if str(text).strip())
    return given


def _texts(given: object) -> object:
    """Return a list as what settings keep, of a variable the texts between its commas."""
    texts = [text.strip() for text in given.split(",") if text.strip()] if isinstance(given, str) else given
    return tuple(texts) if isinstance(texts, list) else texts


def _origin(text: str) -> str:
    if len(text) > ORIGIN_LENGTH_MAX or not re.search(ORIGIN, text):
        raise ValueError(SHOULD_BE[ORIGIN])
    return text


def _hostname(text: str) -> str:
    if len(text) > HOSTNAME_LENGTH_MAX or not re.search(HOSTNAME, text):
        raise ValueError(SHOULD_BE[HOSTNAME])
    return text


class Server(Section):
    """[server]."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8080, ge=0, le=65_535)
    body_bytes_max: int = Field(MIB, ge=KIB, le=256 * MIB)
    body_wait_s: float = Field(30.0, gt=0, le=3600)
    idle_s: float = Field(75.0, gt=0, le=3600)
    shutdown_s: float = Field(10.0, gt=0, le=600)
    trusted_proxies: tuple[Network, ...] = Field(LOOPBACK, max_length=256)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, given: object) -> object:
        return _networks(given)


class Data(Section):
    """[data]."""

    dir: Path = Path("data")

    @field_validator("dir", mode="before")
    @classmethod
    def _path(cls, given: object) -> object:
        """Return text as a path: the strict validation of a file would not take it."""
        if not isinstance(given, str | Path) or given == "":
            raise ValueError("should be a path")
        return Path(given)


class Log(Section):
    """[log]."""

    group_bytes_max: int = Field(4 * MIB, ge=64 * KIB, le=256 * MIB)
    group_events_max: int = Field(2048, ge=ITEMS_MAX, le=1_000_000)
    segment_bytes_max: int = Field(64 * MIB, ge=64 * KIB, le=4096 * MIB)
    segment_age_s: float = Field(3600.0, gt=0, le=30 * DAY_S)
    fence_idle_s: float = Field(0.1, gt=0, le=60)
    unflushed_bytes_max: int = Field(16 * MIB, ge=64 * KIB, le=1024 * MIB)
    append_wait_s: float = Field(1.0, ge=0, le=60)
    disk_free_bytes_min: int = Field(256 * MIB, ge=0, le=1 << 50)
    backlog_bytes_max: int = Field(16_384 * MIB, ge=64 * KIB, le=1 << 50)


class Store(Section):
    """[store]."""

    batch_age_s: float = Field(0.25, gt=0, le=3600)
    batch_events: int = Field(10_000, ge=1, le=10_000_000)
    batch_bytes_max: int = Field(32 * MIB, ge=64 * KIB, le=4096 * MIB)
    checkpoint_s: float = Field(60.0, gt=0, le=DAY_S)
    rejected_bytes_max: int = Field(64 * MIB, ge=0, le=4096 * MIB)
    memory_limit_mb: int = Field(128, ge=32, le=1 << 20)
    threads: int = Field(1, ge=1, le=256)
    query_threads: int = Field(2, ge=1, le=256)
    query_timeout_s: float = Field(30.0, gt=0, le=3600)
    restart_wait_s: float = Field(0.2, gt=0, le=60)
    restart_wait_s_max: float = Field(5.0, gt=0, le=3600)
    emulate_slow_s: float = Field(0.0, ge=0, le=60)


class Tracking(Section):
    """[tracking]."""

    event_bytes_max: int = Field(32 * KIB, ge=KIB, le=512 * KIB)
    recent_ids_max: int = Field(100_000, ge=0, le=10_000_000)
    rejected_raw_bytes_max: int = Field(1024, ge=0, le=64 * KIB)
    cookie_secure: bool = False
    require_token: bool = False


class Privacy(Section):
    """[privacy]."""

    dnt: Literal["count", "anonymous"] = "count"
    gpc: Literal["count", "anonymous"] = "count"
    geo_database: str = ""
    blocked_addresses: tuple[Network, ...] = Field((), max_length=BLOCKED_MAX)

    @field_validator("blocked_addresses", mode="before")
    @classmethod
    def _networks(cls, given: object) -> object:
        return _networks(given)


class Site(Section):
    """[site]: the built-in application."""

    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field((), max_length=ORIGINS_MAX)
    hostnames: tuple[Annotated[str, AfterValidator(_hostname)], ...] = Field((), max_length=HOSTNAMES_MAX)
    visitors: Literal["cookie", "cookieless"] = "cookie"

    @field_validator("origins", "hostnames", mode="before")
    @classmethod
    def _texts(cls, given: object) -> object:
        return _texts(given)


class Applications(Section):
    """[applications]."""

    create: Literal["user", "admin"] = "user"
    apps_per_user_max: int = Field(20, ge=0, le=10_000)
    definitions_max: int = Field(500, ge=0, le=10_000)


class Live(Section):
    """[live]."""

    readers_max: int = Field(32, ge=0, le=10_000)
    events_max: int = Field(100, ge=1, le=1000)
    interval_s: float = Field(0.25, ge=0.05, le=60)
    resume_bytes_max: int = Field(64 * MIB, ge=0, le=4096 * MIB)


class Identity(Section):
    """[identity]."""

    site_name: str = Field("Footfall", min_length=1, max_length=64, pattern=r"^[^:\x00-\x1f\x7f]+$")
    password_length_min: int = Field(8, ge=4, le=1024)
    bcrypt_cost: int = Field(12, ge=4, le=16)
    hash_threads: int = Field(2, ge=1, le=64)
    hash_queue_max: int = Field(64, ge=1, le=10_000)
    signins_per_minute: int = Field(60, ge=1, le=1_000_000)
    free_failures: int = Field(5, ge=1, le=1000)
    signups_per_minute: int = Field(20, ge=1, le=1_000_000)
    changes_per_minute: int = Field(60, ge=1, le=1_000_000)
    sessions_max: int = Field(10, ge=1, le=1000)
    session_idle_s: int = Field(7 * DAY_S, ge=60, le=365 * DAY_S)
    session_absolute_s: int = Field(30 * DAY_S, ge=60, le=3650 * DAY_S)
    cached_users_max: int = Field(10_000, ge=1, le=10_000_000)
    provider_url: str = ""
    provider_timeout_s: float = Field(0.3, ge=0.05, le=5)

    @field_validator("provider_url")
    @classmethod
    def _plain(cls, given: str) -> str:
        """Return the address without the slash that may end it."""
        if given and not ADDRESS.fullmatch(given):
            raise ValueError("should be an address such as https://accounts.example")
        return given.rstrip("/")


class Logging(Section):
    """[logging]."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"


class Settings(Section):
    """Every setting of the daemon that is no secret."""

    server: Server = Server()
    data: Data = Data()
    log: Log = Log()
    store: Store = Store()
    tracking: Tracking = Tracking()
    privacy: Privacy = Privacy()
    site: Site = Site()
    applications: Applications = Applications()
    live: Live = Live()
    identity: Identity = Identity()
    logging: Logging = Logging()


SECTIONS = {name: cast("type[Section]", field.annotation) for name, field in Settings.model_fields.items()}

ORDERED = (
    ("log.group_bytes_max", "log.segment_bytes_max"),
    ("log.group_bytes_max", "log.unflushed_bytes_max"),
    ("log.segment_bytes_max", "log.backlog_bytes_max"),
    ("server.body_bytes_max", "log.group_bytes_max"),
    ("tracking.event_bytes_max", "server.body_bytes_max"),
    ("identity.session_idle_s", "identity.session_absolute_s"),
    ("store.restart_wait_s", "store.restart_wait_s_max"),
)
"""The first must not be over the second: a request is never split over two groups, a group never over two segments."""

STORE_WAL_BYTES = 16 * MIB
"""DuckDB writes a checkpoint of its own once its write-ahead log has so much (its default of `checkpoint_threshold`)."""


def reserve_bytes(settings: Settings) -> int:
    """Return what must be free so that all that is in the log can still be loaded, checkpointed and archived.

    A segment's packed copy lies beside it until it is durable. A batch lies in the spool and in DuckDB's write-ahead log,
    and a checkpoint writes what that has into the file before it is given up.
    """
    store = settings.store
    return settings.log.segment_bytes_max + 3 * store.batch_bytes_max + 2 * STORE_WAL_BYTES
