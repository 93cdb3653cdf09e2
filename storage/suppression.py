"""The suppression list: who was erased, as keyed hashes, and up to where in the logs (rule R12).

It is written before anything is erased, and applied wherever older lines come back: at every load, at a restore. So
neither a rebuild nor a backup brings a person back.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from storage.derived_key import derived_key
from storage.errors import StorageError
from storage.event import BUILT_IN_APP
from storage.files import read_file, replace_file
from storage.filesystem import LOCAL, FileSystem
from storage.query import LogPlace, Person

SUPPRESSION_NAME = "erased.json"
"""Below the data directory."""

ERASED_TEXT = "(erased)"
"""What stands in place of an erased page_url, so that a pageview stays one and totals stay as they were."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r'[^\s"\\,:{}\[\]]+')


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
        return hashlib.sha256(f"{self.key}/{person.app_code}/{kind}/{identifier}".encode()).hexdigest()

    def unlisted(self, user_ids: Iterable[str]) -> set[str]:
        """Return those users of the built-in application who are not on the list."""
        listed = {entry.digest for entry in self.entries}
        return {one for one in user_ids if self.digest(Person(BUILT_IN_APP, one)) not in listed}

    def concerning(self, log_id: str, from_offset: int) -> list[Erased]:
        """Return the entries that can mean lines of this log from that offset on."""
        return [entry for entry in self.entries if LogPlace(log_id, from_offset) < entry.until]

    def cleaner(self, log_id: str, from_offset: int) -> Callable[[bytes], bytes]:
        """Return what makes an event line of the log free of erased people: the same bytes where there is none in it."""
        entries = {entry.digest: entry for entry in self.concerning(log_id, from_offset)}

        def erased(place: LogPlace, *people: Person) -> Erased | None:
            found = (entries.get(self.digest(person)) for person in people)
            return next((entry for entry in found if entry is not None and place < entry.until), None)

        def clean(raw: bytes) -> bytes:
            line = _lines.decode(raw)
            place = LogPlace(log_id, line.offset)
            if line.rejected_raw is not None:
                return _without_raw(raw) if erased(place, *_named(line)) else raw
            if entry := erased(place, Person(line.app_code, line.user_id, line.anonymous_id)):
                return _pseudonymous(raw, entry.pseudonym)
            claimed = line.attrs and line.attrs.claimed_id_user
            if claimed is not None and erased(place, Person(line.app_code, str(claimed))):
                return _without_claim(raw)
            return raw

        return clean

    def _replace(self, entries: tuple[Erased, ...]) -> None:
        replace_file(self._path, msgspec.json.encode(entries) + b"\n", files=self._files)
        self.entries = entries


def words(raw: str) -> set[str]:
    """Return every text of a rejected item that could be somebody's identifier."""
    return {*_QUOTED.findall(raw), *_BARE.findall(raw)}


def _named(line: _Line) -> list[Person]:
    found = words(line.rejected_raw or "")
    return [Person(line.app_code, word) for word in found] + [Person(line.app_code, None, word) for word in found]


def _pseudonymous(raw: bytes, pseudonym: str) -> bytes:
    line = msgspec.json.decode(raw)
    for member in ("anonymous_id", "referrer", "title", "attrs"):
        line.pop(member, None)
    if "page_url" in line:
        line["page_url"] = ERASED_TEXT
    line["user_id"] = pseudonym
    return msgspec.json.encode(line)


def _without_claim(raw: bytes) -> bytes:
    line = msgspec.json.decode(raw)
    del line["attrs"]["claimed_id_user"]
    return msgspec.json.encode(line)


def _without_raw(raw: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(raw) | {"rejected_raw": ""})
