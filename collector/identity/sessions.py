"""Sessions: who a token stands for, its refresh, and its end."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from collector.identity.audit import Audit, AuditEvent
from collector.identity.caller import Caller, SessionGone
from collector.identity.errors import RefreshReused, SessionExpired, SessionUnknown
from collector.identity.origin import Origin
from collector.identity.refresh_tokens import PREFIX, RefreshClaims, RefreshTokens
from collector.identity.session import Lifetimes, extended, rotated
from collector.identity.throttle import Throttle
from collector.identity.tokens import Tokens
from collector.limits import RateExceeded
from storage.account_ports import UserStore
from storage.user import Session, User

SID_BYTES = 16

Scope = Literal["session", "others", "all"]
"""Which sessions a sign-out ends: its own, all but its own, or all."""


class Grant(msgspec.Struct, frozen=True):
    """A user's session with its tokens; the access token is good for `expires_in_s`. A renewal has no `refresh_token`."""

    token: str
    expires_in_s: int
    refresh_token: str | None
    user: User


class Sessions:
    """The sessions of the users in a UserStore, their changes on record; `clock` gives aware UTC times.

    A user has at most `sessions_max` of them: one more ends the oldest.
    """

    def __init__(
        self,
        users: UserStore,
        tokens: Tokens,
        refresh_tokens: RefreshTokens,
        audit: Audit,
        clock: Callable[[], datetime],
        *,
        throttle: Throttle,
        lifetimes: Lifetimes,
        sessions_max: int,
        random_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens
        self._throttle = throttle
        self._audit = audit
        self._clock = clock
        self._lifetimes = lifetimes
        self._sessions_max = sessions_max
        self._random_hex = random_hex

    def new(self, origin: Origin) -> Session:
        """Return a session that begins now; it counts once it is among its user's."""
        now = self._clock()
        return Session(
            sid=self._random_hex(SID_BYTES),
            created_at=now,
            expires_at=now + timedelta(seconds=min(self._lifetimes.idle_s, self._lifetimes.absolute_s)),
            peer=origin.peer,
            user_agent=origin.user_agent,
        )

    def with_new(self, sessions: tuple[Session, ...], new: Session) -> tuple[Session, ...]:
        """Return the sessions that a user has with another one: those that have ended by time, and too many, are gone."""
        alive = tuple(session for session in sessions if session.expires_at > new.created_at)
        return (*alive, new)[-self._sessions_max :]

    def grant(self, user: User, session: Session) -> Grant:
        """Return the tokens of a session."""
        return replace(self._renewal(user, session), refresh_token=self._refresh_token(user, session))

    async def authenticate(self, token: str) -> Caller:
        """Return whose token it is, with the role of this moment; TokenInvalid, SessionGone when session or user is."""
        claims = self._tokens.read(token)
        user = await self._users.by_id(claims.sub)
        if user is None:
            raise SessionGone(claims.sub, claims.sid)
        _session_of(user, claims.sid)
        self._users.saw(user.user_id, self._clock())
        return Caller(user.user_id, user.role, claims.sid)

    async def refresh(self, token: str, origin: Origin) -> Grant:
        """Return the next pair of tokens for a refresh token.

        Raises:
            RefreshReused: it was used before, by whoever; the session has ended.
            SessionExpired: the session has ended by time.
            SessionGone: the session is, or its user.
            RateExceeded: the user has refreshed too often.
            TokenInvalid: it is no refresh token of ours.
        """
        claims = self._refresh_tokens.read(token)

        def change(session: Session, now: datetime) -> Session:
            return rotated(session, claims.counter, now, self._lifetimes)

        user = await self._changed(claims, origin, change)
        return self.grant(user, _session_of(user, claims.sid))

    async def renew(self, token: str, origin: Origin) -> Grant:
        """Return another access token of a living one's session, for clients that hold one token only (R1); as `refresh`."""
        claims = self._tokens.read(token)
        place = RefreshClaims(claims.sub, claims.sid, 0)
        user = await self._changed(place, origin, lambda session, now: extended(session, now, self._lifetimes))
        return self._renewal(user, _session_of(user, claims.sid))

    async def sign_out(self, token: str, scope: Scope, origin: Origin) -> None:
        """End sessions of the token's user for good; those that have ended already stay so. TokenInvalid if it is not ours.

        A token whose own session has ended speaks for no other: whatever the scope, it ends nothing.
        """
        claims = self._tokens.read(token)
        has_ended = True

        def signed_out(user: User) -> User:
            nonlocal has_ended
            if all(session.sid != claims.sid for session in user.sessions):
                return user
            has_ended = False
            kept = tuple(
                one for one in user.sessions if scope != "all" and (one.sid == claims.sid) == (scope == "others")
            )
            return replace(user, sessions=kept)

        try:
            await self._users.update(claims.sub, signed_out)
        except KeyError:
            return  # the user is gone, and every session with it
        if not has_ended:
            note = f"signed out: {scope}"
            await self._audit.record("session_expired", "success", origin, actor=claims.sub, sid=claims.sid, note=note)

    async def used_after_end(self, gone: SessionGone, origin: Origin) -> None:
        """Put on record that a token of a session that is no more was sent."""
        event: AuditEvent = "session_use_after_expire"
        await self._audit.record_flood(event, origin, subject=gone.user_id, sid=gone.sid)

    async def forbid(self, caller: Caller, origin: Origin, note: str) -> None:
        """Put on record that a caller may not do what `note` says."""
        await self._audit.record_flood("authz_fail", origin, actor=caller.user_id, sid=caller.sid or None, note=note)

    async def of(self, user_id: str) -> tuple[Session, ...]:
        """Return a user's sessions that have not ended, the oldest first; none where there is no such user."""
        user = await self._users.by_id(user_id)
        now = self._clock()
        return () if user is None else tuple(session for session in user.sessions if session.expires_at > now)

    async def end(self, user_id: str, sid: str, origin: Origin) -> None:
        """End one of a user's own sessions; SessionUnknown where the user has no such session."""
        await self.remove(user_id, sid)
        await self._audit.record("session_expired", "success", origin, actor=user_id, sid=sid, note="ended by its user")

    async def remove(self, user_id: str, sid: str) -> None:
        """End a session without a word; SessionUnknown as `end`."""

        def ended(user: User) -> User:
            left = tuple(session for session in user.sessions if session.sid != sid)
            if len(left) == len(user.sessions):
                raise SessionUnknown
            return replace(user, sessions=left)

        try:
            await self._users.update(user_id, ended)
        except KeyError:  # the user is gone, and every session with it
            raise SessionUnknown from None

    async def _changed(
        self, claims: RefreshClaims, origin: Origin, change: Callable[[Session, datetime], Session]
    ) -> User:
        """Return the user with the session changed; an error of the change that means its end ends it."""
        refusal: SessionExpired | RefreshReused | None = None
        is_changed = False
        event: AuditEvent

        def changed(user: User) -> User:
            nonlocal refusal, is_changed
            session = _session_of(user, claims.sid)
            try:
                new = change(session, self._clock())
            except (SessionExpired, RefreshReused) as error:
                refusal = error
                return replace(user, sessions=tuple(one for one in user.sessions if one is not session))
            if new is session:
                return user
            # Only here: whoever keeps a token of a session that has ended must not use up what its user may.
            self._throttle.require_change(user.user_id)
            is_changed = True
            return replace(user, sessions=tuple(new if one is session else one for one in user.sessions))

        try:
            user = await self._users.update(claims.user_id, changed)
        except KeyError:
            raise SessionGone(claims.user_id, claims.sid) from None
        except RateExceeded:
            event = "excess_rate_limit_exceeded"
            await self._audit.record_flood(event, origin, actor=claims.user_id, sid=claims.sid, note="refresh")
            raise
        if refusal is not None:
            is_reused = isinstance(refusal, RefreshReused)
            event = "authn_token_reuse" if is_reused else "session_expired"
            await self._audit.record(
                event, "failure", origin, subject=claims.user_id, sid=claims.sid, note=refusal.code
            )
            raise refusal
        if is_changed:
            await self._audit.record("session_renewed", "success", origin, actor=claims.user_id, sid=claims.sid)
        return user

    def _renewal(self, user: User, session: Session) -> Grant:
        left_s = int((session.expires_at - self._clock()).total_seconds())
        lifetime_s = min(self._lifetimes.access_s, left_s)
        return Grant(self._tokens.issue(user.user_id, session.sid, lifetime_s), lifetime_s, None, user)

    def _refresh_token(self, user: User, session: Session) -> str:
        return self._refresh_tokens.issue(RefreshClaims(user.user_id, session.sid, session.counter))


def is_refresh_token(token: str) -> bool:
    """Return whether a token is one for a refresh, by its looks."""
    return token.startswith(PREFIX)


def _session_of(user: User, sid: str) -> Session:
    found = next((session for session in user.sessions if session.sid == sid), None)
    if found is None:
        raise SessionGone(user.user_id, sid)
    return found
