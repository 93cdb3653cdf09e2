"""The suppression list: who was erased, as keyed hashes, and up to where in the logs (rule R12).

It is written before anything is erased, and applied wherever older lines come back: at every load, at a restore. So
neither a rebuild nor a backup brings a person back.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from storage.derived_key import derived_key
from storage.errors import StorageError
from storage.event import BUILT_IN_APP
from storage.files import read_file, replace_file
from storage.filesystem import LOCAL, FileSystem
from storage.named import named_in, senders
from storage.query.erasure import LogPlace, Person

SUPPRESSION_NAME = "erased.json"
"""Below the data directory."""

ERASED_TEXT = "(erased)"
"""What stands in place of an erased page_url, so that a pageview stays one and totals stay as they were."""

NAMED_SUFFIX = "-visitor"
"""Ends the pseudonym of a visitor that went by an erased user's id: in statistics they were two, and stay so."""

KEPT = frozenset(
    (
        "offset",
        "event_id",
        "app_code",
        "source_label",
        "received_at",
        "occurred_at",
        "sent_at",
        "id_given",
        "filtered",
        "signal",
    )
)
"""The members of an event that tell of nobody, and stay of an erased person's; all others go."""


MarkOf = Callable[[str | None, str | None, str | None], str | None]
"""Return what keeps an event out of statistics by its user_agent, referrer and page_url; None where it counts."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier of an erased person; what stands before `until` is meant, and what comes later is somebody new.

    `digest` is SHA-256 of key, application, kind and identifier. `pseudonym` is random and the same for all identifiers
    of the person. `done_at` is None while the erasure is under way.
    """

    digest: str
    pseudonym: str
    until: LogPlace
    erased_at: datetime
    done_at: datetime | None = None


class _Attrs(msgspec.Struct):
    claimed_id_user: str | int | None = None


class _Line(msgspec.Struct):
    """What of a line can name a person."""

    offset: int
    app_code: str
    user_id: str | None = None
    anonymous_id: str | None = None
    attrs: _Attrs | None = None
    rejected_raw: str | None = None


NO_ITEM = b"{}"
"""Takes the place of a line that cannot be read and names somebody: it cannot be read either, and keeps its offset."""


_list = msgspec.json.Decoder(list[Erased])
_lines = msgspec.json.Decoder(_Line)


def erasure_key(pepper: str) -> str:
    """Return the key of the list: from the one secret that stays the same as long as the accounts do."""
    return derived_key(pepper, "erasure").hex()


class Suppression:
    """The list in the file `path`; `key` is a secret text. May be used from any thread."""

    def __init__(self, path: Path, key: str, *, files: FileSystem = LOCAL) -> None:
        self._path = path
        self._files = files
        self._changing = threading.Lock()
        self.key = key
        self.entries: tuple[Erased, ...] = ()

    def open(self) -> None:
        """Read the list; none is an empty one.

        Raises:
            StorageError: it cannot be read: nothing is loaded until it can, or the erased would come back.
        """
        try:
            self.entries = tuple(_list.decode(read_file(self._path, files=self._files)))
        except FileNotFoundError:
            self.entries = ()
        except (msgspec.DecodeError, OSError) as error:
            raise StorageError(f"{self._path}: {error}; put it back from a backup") from error

    def add(self, entries: Iterable[Erased]) -> None:
        """Return once the entries are durable; one whose digest is listed up to the same place or further adds nothing."""
        with self._changing:
            known = {entry.digest: entry.until for entry in self.entries}
            new = [entry for entry in entries if known.get(entry.digest, LogPlace("", 0)) < entry.until]
            self._replace((*self.entries, *new))

    def finish(self, entries: Iterable[Erased], done_at: datetime) -> None:
        """Note that nothing of these is left in log, archive and store."""
        done = set(entries)
        with self._changing:
            self._replace(
                tuple(
                    msgspec.structs.replace(entry, done_at=done_at) if entry in done else entry
                    for entry in self.entries
                )
            )

    def unfinished(self) -> list[Erased]:
        """Return the entries whose erasure is under way."""
        return [entry for entry in self.entries if entry.done_at is None]

    def digest(self, person: Person) -> str:
        """Return the keyed hash of an identifier; the store computes the same (queries/erase_*.sql)."""
        kind, identifier = ("user", person.user_id) if person.user_id is not None else ("visitor", person.anonymous_id)
        # A text that has no UTF-8 names nobody; it stands in an item that somebody sent to be rejected.
        told = f"{self.key}/{person.app_code}/{kind}/{identifier}".encode(errors="replace")
        return hashlib.sha256(told).hexdigest()

    def unlisted(self, user_ids: Iterable[str]) -> set[str]:
        """Return those users of the built-in application who are not on the list."""
        listed = {entry.digest for entry in self.entries}
        return {one for one in user_ids if self.digest(Person(BUILT_IN_APP, one)) not in listed}

    def concerning(self, log_id: str, from_offset: int) -> list[Erased]:
        """Return the entries that can mean lines of this log from that offset on."""
        return [entry for entry in self.entries if LogPlace(log_id, from_offset) < entry.until]

    def finder(self, entries: Iterable[Erased]) -> "Finder":
        """Return what finds the entry that means a line at a place, by the people that the line names; None without one."""
        by_digest = {entry.digest: entry for entry in entries}

        def find(place: LogPlace, people: Iterable[Person]) -> Erased | None:
            found = (by_digest.get(self.digest(person)) for person in people)
            return next((entry for entry in found if entry is not None and place < entry.until), None)

        return find

    def cleaner(self, log_id: str, from_offset: int, mark_of: MarkOf) -> Callable[[bytes], bytes]:
        """Return what makes a line of the log free of erased people: the same bytes where there is none in it.

        An event that `mark_of` keeps out of statistics is marked, for that outlives what it is derived of.
        """
        find = self.finder(self.concerning(log_id, from_offset))

        def clean(raw: bytes) -> bytes:
            try:
                line = _lines.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError):
                people = named_in(raw.decode(errors="replace"), None)
                return NO_ITEM if find(LogPlace(log_id, from_offset), people) else raw
            place = LogPlace(log_id, line.offset)
            if line.rejected_raw is not None:
                people = senders(line.app_code, line.user_id, line.anonymous_id)
                return _without_raw(raw) if find(place, [*people, *named_in(line.rejected_raw, line.app_code)]) else raw
            if entry := find(place, [Person(line.app_code, line.user_id, line.anonymous_id)]):
                return _pseudonymous(raw, entry.pseudonym, mark_of)
            if entry := find(place, _visitors(line)):
                if line.user_id is None:
                    return _pseudonymous(raw, entry.pseudonym + NAMED_SUFFIX, mark_of)
                raw = _without_visitor(raw)
            claimed = line.attrs and line.attrs.claimed_id_user
            if claimed is not None and find(place, [Person(line.app_code, str(claimed))]):
                raw = _without_claim(raw)
            return raw

        return clean

    def _replace(self, entries: tuple[Erased, ...]) -> None:
        replace_file(self._path, msgspec.json.encode(entries) + b"\n", files=self._files)
        self.entries = entries


Finder = Callable[[LogPlace, Iterable[Person]], Erased | None]


def _visitors(line: _Line) -> list[Person]:
    """Return whom the anonymous_id means: a client may give a user's id for it."""
    named = line.anonymous_id
    return [] if named is None else [Person(line.app_code, None, named), Person(line.app_code, named)]


def _pseudonymous(raw: bytes, pseudonym: str, mark_of: MarkOf) -> bytes:
    line = msgspec.json.decode(raw)
    page = {"page_url": ERASED_TEXT} if "page_url" in line else {}
    kept = {name: value for name, value in line.items() if name in KEPT}
    mark = line.get("filtered") or mark_of(*(_text(line, name) for name in ("user_agent", "referrer", "page_url")))
    marked = {"filtered": mark} if mark else {}
    return msgspec.json.encode(kept | marked | page | {"user_id": pseudonym})


def _text(line: Mapping[str, object], member: str) -> str | None:
    """Return the text of a member; None where it is none, as the line is then no event."""
    text = line.get(member)
    return text if isinstance(text, str) else None


def _without_visitor(raw: bytes) -> bytes:
    line = msgspec.json.decode(raw)
    del line["anonymous_id"]
    return msgspec.json.encode(line)


def _without_claim(raw: bytes) -> bytes:
    line = msgspec.json.decode(raw)
    del line["attrs"]["claimed_id_user"]
    return msgspec.json.encode(line)


def _without_raw(raw: bytes) -> bytes:
    line = msgspec.json.decode(raw)
    for member in ("user_id", "anonymous_id", "rejected_reason"):
        line.pop(member, None)
    return msgspec.json.encode(line | {"rejected_raw": ""})
