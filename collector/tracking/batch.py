"""An array of actions: each item gets its own result, one append makes all that can be stored durable."""

from collections.abc import Iterable, Iterator

import msgspec

from collector.tracking.door import Arrival, Door, EventBroken
from collector.tracking.recent import Key, RecentIds
from collector.tracking.visitor import Visitor
from collector.wire.body import decode, require_json
from collector.wire.problem import BodyInvalid, BodyTooLarge, FieldError
from collector.wire.tracking import ITEMS_MAX, BatchResult, ItemResult, TrackItem, many, raw_items, read_item
from storage.event import Event, RejectedItem, encode


class TooManyItems(BodyTooLarge):
    """The array has more than ITEMS_MAX items (413)."""

    code = "too_many_items"


class Batch:
    """One array on its way through the door: `read` it, append `lines`, then ask for the `result`.

    Without `recent` repeats are left to the store: nobody is told of them.
    """

    def __init__(
        self, door: Door, recent: RecentIds | None, visitor: Visitor, *, log_id: str, rejected_raw_bytes_max: int
    ) -> None:
        self._door = door
        self._recent = recent
        self._visitor = visitor
        self._log_id = log_id
        self._rejected_raw_bytes_max = rejected_raw_bytes_max
        self._arrival = door.arrival()
        self._line_of: dict[Key, int] = {}
        self._errors: list[FieldError] = []
        self._quarantined = 0
        # Known results, and (status, event_id, line) of those whose receipt depends on where the lines will stand.
        self._outcomes: list[ItemResult | tuple[str, str, int]] = []
        self.lines: list[bytes] = []
        self.duplicates = 0

    @property
    def rejected(self) -> int:
        """How many of `lines` are rejected items."""
        return len(self._errors)

    def read(self, raw: bytes) -> None:
        """Sort the items of the array into lines, repeats and rejected ones.

        Raises:
            BodyMalformed, TooManyItems: the array cannot be read as a whole.
            BodyInvalid: nothing of it could be stored; the errors name every item.
        """
        try:
            items = many.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            self._take_raw(_split(raw))
        else:
            self._take_all(items, raw)
        self.require_some()

    def require_some(self) -> None:
        """Raise BodyInvalid where nothing of it is worth keeping; the errors name every item."""
        if not self._quarantined:
            self._require_stored()

    def _require_stored(self) -> None:
        if self.rejected == len(self._outcomes):
            raise BodyInvalid(self._errors or [FieldError("$", "empty", "the array has no items")])

    def result(self, first_offset: int) -> BatchResult:
        """Return the answer, once the lines are durable from `first_offset` on.

        Raises:
            BodyInvalid: all that was kept is in quarantine; the errors name every item.
        """
        self._require_stored()
        if self._recent is not None:
            self._recent.remember_all(self._line_of, first_offset)
        results = list(self._results(first_offset))
        accepted = len(results) - self.duplicates - self.rejected
        return BatchResult(accepted, self.duplicates, self.rejected, results)

    def _results(self, first_offset: int) -> Iterator[ItemResult]:
        prefix = f"{self._log_id}:"
        for index, outcome in enumerate(self._outcomes):
            if isinstance(outcome, ItemResult):
                yield outcome
            else:
                status, event_id, line = outcome
                yield ItemResult(index, status, event_id, prefix + str(first_offset + line))

    def _take_all(self, items: list[TrackItem], raw: bytes) -> None:
        check_count(len(items))
        sent: list[msgspec.Raw] = []
        for index, item in enumerate(items):
            try:
                self.take(item)
            except (BodyInvalid, BodyTooLarge) as error:
                sent = sent or decode(raw, raw_items)
                self.reject(error, sent[index])

    def _take_raw(self, items: Iterable[msgspec.Raw]) -> None:
        for item in items:
            try:
                self.take(read_item(item))
            except (BodyInvalid, BodyTooLarge) as error:
                self.reject(error, item)

    def take(self, item: TrackItem) -> None:
        """Take the next item; what is wrong with it is for `reject`.

        Raises:
            BodyInvalid, EventTooLarge: it cannot be stored.
        """
        event = self._door.event_of(item, self._visitor, self._arrival)
        line = self._door.line_of(event)
        if self._recent is not None and event.id_given and self._repeats(event, self._recent):
            self.duplicates += 1
            return
        self._outcomes.append(("accepted", event.event_id, len(self.lines)))
        self.lines.append(line)

    def _repeats(self, event: Event, recent: RecentIds) -> bool:
        key = (event.app_code, event.event_id)
        offset, line = recent.offset_of(key), self._line_of.get(key)
        if offset is not None:
            receipt = f"{self._log_id}:{offset}"
            self._outcomes.append(ItemResult(len(self._outcomes), "duplicate", event.event_id, receipt))
        elif line is not None:
            self._outcomes.append(("duplicate", event.event_id, line))
        else:
            self._line_of[key] = len(self.lines)
            return False
        return True

    def reject(self, error: BodyInvalid | BodyTooLarge, raw: bytes | msgspec.Raw) -> None:
        """Reject the next item for what is wrong with it.

        The first bytes of what was sent are kept, of an event that breaks its definition the whole event.
        """
        index = len(self._outcomes)
        found = error.errors[0] if isinstance(error, BodyInvalid) else FieldError("$", error.code, str(error))
        path = f"$[{index}]{found.path[1:]}"
        self._errors.append(FieldError(path, found.code, found.message))
        self._outcomes.append(ItemResult(index, "rejected", code=found.code, path=path))
        if isinstance(error, EventBroken):
            self._quarantined += 1
            kept = error.line
        else:
            # What a browser sends whose wish is honoured may name anybody.
            kept = b"" if self._visitor.context.signal else bytes(raw)[: self._rejected_raw_bytes_max]
        self.lines.append(rejected_line(found, kept, self._visitor, self._arrival))


def rejected_line(found: FieldError, kept: bytes, visitor: Visitor, arrival: Arrival) -> bytes:
    """Return the line of an item that is rejected for what was found in it, and of which these bytes are kept."""
    # What is ignored is the character that a limit cuts through.
    raw = kept.decode(errors="ignore")
    reason = None if found.path == "$" else found.path
    sender = visitor.user_id, visitor.known_id
    return encode(RejectedItem(found.code, raw, visitor.app.app_code, arrival.received_at, *sender, reason))


def _split(raw: bytes) -> list[msgspec.Raw]:
    require_json(raw)
    items = decode(raw, raw_items)
    check_count(len(items))
    return items


def check_count(count: int) -> None:
    """Raise TooManyItems where a batch has more than ITEMS_MAX."""
    if count > ITEMS_MAX:
        raise TooManyItems(f"the array has {count} items, the limit is {ITEMS_MAX}")
