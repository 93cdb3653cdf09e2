"""Puts what happens to accounts on record: in the audit log, and as an event for those who read the site."""

import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Literal

from collector.identity.origin import Origin
from collector.limits import Gcra, Rate, RateExceeded
from collector.wire.problem import RequestError
from storage.account_ports import AuditLog
from storage.audit import AuditRow, Outcome
from storage.errors import StorageError

AuditEvent = Literal[
    "app_created",
    "app_deleted",
    "app_read_token_created",
    "app_read_token_revoked",
    "app_token_revoked",
    "app_token_rotated",
    "app_updated",
    "authn_login_fail",
    "authn_login_success",
    "authn_login_successafterfail",
    "authn_password_change",
    "authn_password_change_fail",
    "authn_token_reuse",
    "authz_change",
    "authz_fail",
    "excess_rate_limit_exceeded",
    "excess_sessions_exceeded",
    "person_erased",
    "sensitive_read",
    "session_expired",
    "session_renewed",
    "session_use_after_expire",
    "user_created",
    "user_deleted",
    "user_updated",
]
"""Names of the OWASP Logging Vocabulary; in its manner `excess_sessions_exceeded`, and those of applications."""

UNTOLD = frozenset(("session_renewed",))
"""What programs do by themselves: as an event it would look like a visit that goes on."""

NAME_DIGITS = 32

FLOODS = Rate(1, 60.0)
"""How often the same failure of the same sender is put on record: what can be sent without end must not fill the disk."""
FLOODS_MAX = 10_000
"""Of how many such failures it is known at a time when they were put on record."""

Tell = Callable[[AuditRow, str | None], Awaitable[None]]
"""Keep a row as an event of the visitor of that anonymous_id; StorageError where it cannot be kept."""


class Audit:
    """Records rows in `log` and tells them; `clock` gives aware UTC times.

    Names that nobody may have are known by MACs under `key` alone: people type passwords there.
    """

    def __init__(self, log: AuditLog, key: bytes, tell: Tell, clock: Callable[[], datetime], floods: Gcra) -> None:
        self._log = log
        self._key = key
        self._tell = tell
        self._clock = clock
        self._floods = floods

    async def record(
        self,
        event: AuditEvent,
        outcome: Outcome,
        origin: Origin,
        *,
        actor: str | None = None,
        subject: str | None = None,
        name: str | None = None,
        sid: str | None = None,
        note: str = "",
    ) -> None:
        """Return once it is on record; `actor` did it to `subject`, without one to itself. `name` is kept as its MAC.

        Raises:
            AuditFailed, LogFull, LogFailed: it is not; what it says must not be granted.
        """
        row = AuditRow(
            at=self._clock(),
            event=event,
            outcome=outcome,
            actor=actor,
            subject=actor if subject is None else subject,
            name=None if name is None else self._mac(name),
            peer=origin.peer,
            user_agent=origin.user_agent,
            sid=sid,
            request_id=origin.request_id,
            note=note,
        )
        await self._log.append(row)
        if event not in UNTOLD:
            await self._tell(row, origin.anonymous_id)

    @contextlib.asynccontextmanager
    async def recording(
        self,
        event: AuditEvent,
        origin: Origin,
        *,
        actor: str | None,
        subject: str | None = None,
        name: str | None = None,
        sid: str | None,
        note: str = "",
    ) -> AsyncIterator[None]:
        """Record a success, and then let it be done: nothing happens that is not on record.

        Where it then does not come about, by an error of the store or of the rules, a failure goes on record too.
        """

        async def record(outcome: Outcome) -> None:
            await self.record(event, outcome, origin, actor=actor, subject=subject, name=name, sid=sid, note=note)

        await record("success")
        try:
            yield
        except (KeyError, RequestError, StorageError):
            await record("failure")
            raise

    async def record_flood(
        self,
        event: AuditEvent,
        origin: Origin,
        *,
        actor: str | None = None,
        subject: str | None = None,
        sid: str | None = None,
        note: str = "",
    ) -> None:
        """Record a failure that can be repeated without end: as often as `floods` takes it, of one user, with this note."""
        try:
            self._floods.take(f"{event} {actor or subject or origin.limited_as} {note}")
        except RateExceeded:
            return
        await self.record(event, "failure", origin, actor=actor, subject=subject, sid=sid, note=note)

    async def require(self, take: Callable[[], None], what: str, origin: Origin) -> None:
        """Take from a limit; where it is exceeded, RateExceeded, with `what` was asked for on record."""
        try:
            take()
        except RateExceeded:
            await self.record_flood("excess_rate_limit_exceeded", origin, note=what)
            raise

    def _mac(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()[:NAME_DIGITS]
