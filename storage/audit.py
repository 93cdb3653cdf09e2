"""The audit log's row: who did what to whom, in the words of OWASP's Logging Vocabulary."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

Outcome = Literal["success", "failure"]


class AuditRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened. `actor` did it and `subject` it was done to, both user_ids.

    `name` stands for what was typed where that is nobody's: a keyed hash, as people type passwords there. `peer` and
    `user_agent` are those of the request, which problems name by its `request_id`, `sid` its session. `note` says more in a few words, never a secret.
    """

    at: datetime
    event: str
    outcome: Outcome
    actor: str | None = None
    subject: str | None = None
    name: str | None = None
    peer: str = ""
    user_agent: str = ""
    sid: str | None = None
    request_id: str | None = None
    note: str = ""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A row in its place: `number` counts from 1, `chain` is a MAC over the row and the chain before it."""

    number: int
    row: AuditRow
    chain: str


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: those of all that is given; `user_id` is actor or subject, `before` a number that is not included."""

    event: str | None = None
    outcome: Outcome | None = None
    user_id: str | None = None
    peer: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None
    before: int | None = None

    def takes(self, entry: AuditEntry) -> bool:
        """Return whether the entry is one of them."""
        row = entry.row
        return (
            (self.before is None or entry.number < self.before)
            and (self.event is None or row.event == self.event)
            and (self.outcome is None or row.outcome == self.outcome)
            and (self.user_id is None or self.user_id in (row.actor, row.subject))
            and (self.peer is None or row.peer == self.peer)
            and (self.from_time is None or row.at >= self.from_time)
            and (self.to_time is None or row.at < self.to_time)
        )


class AuditPage(msgspec.Struct, frozen=True):
    """Entries, the newest first; `before` goes on where these end, None where nothing is left."""

    entries: list[AuditEntry]
    before: int | None


class AuditFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the chain found: `rows` are good from the first on; `damage` says what is wrong behind them."""

    rows: int
    damage: str | None = None


Mac = Callable[[bytes], str]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AuditEntry)


def sealed(number: int, row: AuditRow, before: str, mac: Mac) -> AuditEntry:
    """Return the row as the `number`-th entry behind the one whose chain is `before`."""
    return AuditEntry(number=number, row=row, chain=mac(b"%s %d %s" % (before.encode(), number, _encoder.encode(row))))


def encode(entry: AuditEntry) -> bytes:
    """Return the entry as one line of JSON."""
    return _encoder.encode(entry) + b"\n"


def decode(line: bytes) -> AuditEntry:
    """Return the entry of a line; msgspec.DecodeError where it is not one."""
    return _decoder.decode(line)
