"""What administrators ask of the audit log."""

from typing import NamedTuple, Protocol

from collector.wire.audit import AuditReport, AuthEvent, AuthEventsAnswer, Outcome
from console.answers import read

PAGE_EVENTS = 100
ID_LENGTH = 8
"""Characters of an id that tell users apart on a screen."""


class Asks(Protocol):
    """What of a client is needed here."""

    async def get(self, path: str, parameters: dict[str, str]) -> bytes:
        """Return the body of a good answer."""


class EventsAsked(NamedTuple):
    """Which entries: those of all that is given. `words` says it to a person."""

    words: str = "everything"
    event: str | None = None
    outcome: Outcome | None = None
    user_id: str | None = None
    peer: str | None = None

    def parameters(self, before: str | None) -> dict[str, str]:
        """Return the parameters of GET /admin/auth-events for the page before an entry."""
        asked = {
            "event": self.event,
            "outcome": self.outcome,
            "user_id": self.user_id,
            "peer": self.peer,
            "before": before,
            "limit": str(PAGE_EVENTS),
        }
        return {name: value for name, value in asked.items() if value is not None}


EVERYTHING = EventsAsked()


def narrowings(shown: list[AuthEvent], under_cursor: AuthEvent | None) -> list[EventsAsked]:
    """Return what can be asked for: an outcome, what the entry under the cursor has, an event among those shown."""
    found = [EVERYTHING, EventsAsked("failures", outcome="failure"), EventsAsked("successes", outcome="success")]
    if under_cursor is not None:
        found += [of_user(user_id, user_id) for user_id in _ids(under_cursor.subject, under_cursor.actor)]
        if under_cursor.peer:
            found.append(EventsAsked(f"address {under_cursor.peer}", peer=under_cursor.peer))
    return found + [EventsAsked(name, event=name) for name in sorted({one.event for one in shown})]


def of_user(user_id: str, name: str) -> EventsAsked:
    """Return the question for all that a user did or had done to it."""
    return EventsAsked(f"user {name}", user_id=user_id)


async def auth_events(client: Asks, asked: EventsAsked, before: str | None) -> AuthEventsAnswer:
    """Return a page of entries, the newest first; raises as `Client.get` does."""
    return read(await client.get("admin/auth-events", asked.parameters(before)), AuthEventsAnswer)


async def check(client: Asks) -> AuditReport:
    """Have the chain of the whole log checked; raises as `Client.get` does."""
    return read(await client.get("admin/auth-events/check", {}), AuditReport)


def who(event: AuthEvent, *, id_length: int | None = ID_LENGTH) -> str:
    """Return whose entry it is: who did it, or who did it to whom; `~` stands before the hash of a name.

    Without an `id_length` ids are whole.
    """
    if event.name is not None:
        return f"~{event.name[:id_length]}"
    return " > ".join(one[:id_length] for one in _ids(event.actor, event.subject))


def fields_of(event: AuthEvent) -> list[tuple[str, str]]:
    """Return the members that an entry has."""
    members = {
        "number": str(event.number),
        "at": f"{event.at:%Y-%m-%d %H:%M:%S.%f}",
        "event": event.event,
        "outcome": event.outcome,
        "actor": event.actor,
        "subject": event.subject,
        "name": event.name,
        "peer": event.peer,
        "user_agent": event.user_agent,
        "sid": event.sid,
        "request_id": event.request_id,
        "note": event.note,
    }
    return [(name, value) for name, value in members.items() if value]


def _ids(*ids: str | None) -> list[str]:
    """Return those that there are, each once."""
    return list(dict.fromkeys(one for one in ids if one))
