"""The life of one session: how long it is good, and which of its refresh tokens is."""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from collector.identity.caller import TokenInvalid
from collector.identity.errors import RefreshReused, SessionExpired
from storage.user import Session

GRACE_S = 10
"""How long the token before the newest still gives the newest: its answer may have been lost on the way."""


class Lifetimes(NamedTuple):
    """Seconds that an access token is good, a session without a refresh, and a session at all."""

    access_s: int
    idle_s: int
    absolute_s: int


def extended(session: Session, now: datetime, lifetimes: Lifetimes) -> Session:
    """Return the session good for another idle time, never beyond its absolute end; SessionExpired behind either."""
    end = session.created_at + timedelta(seconds=lifetimes.absolute_s)
    if min(session.expires_at, end) <= now:
        raise SessionExpired
    return replace(session, expires_at=min(now + timedelta(seconds=lifetimes.idle_s), end))


def rotated(session: Session, counter: int, now: datetime, lifetimes: Lifetimes) -> Session:
    """Return the session after its `counter`-th refresh token was used: one token on, or as it is within the grace.

    Raises:
        RefreshReused: the token had its successor already: it is in two hands (RFC 9700, section 4.14.2).
        SessionExpired: too long without a refresh, or beyond the absolute end.
        TokenInvalid: no such token was given yet: the user's file is older than the token.
    """
    new = extended(session, now, lifetimes)
    if counter == session.counter:
        return replace(new, counter=counter + 1, rotated_at=now)
    if counter > session.counter:
        raise TokenInvalid("the token is not one of ours")
    # Only the parent, and only from the first time on: asking again must not prolong the grace.
    if (
        counter < session.counter - 1
        or session.rotated_at is None
        or now - session.rotated_at > timedelta(seconds=GRACE_S)
    ):
        raise RefreshReused
    return session
