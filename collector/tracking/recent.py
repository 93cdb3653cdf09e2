"""The ids that were seen lately: answering a client's repeat at the door, as a courtesy; the store removes every one."""

from collections import OrderedDict

Key = tuple[str, str]
"""(app_code, event_id): the key of a repeat."""


class RecentIds:
    """A bounded map from the key of an event to its offset; the oldest leaves first."""

    def __init__(self, ids_max: int) -> None:
        self._ids_max = ids_max
        # Not a dict: to find its first key it steps over all that were deleted since it last grew, for every event.
        self._offsets: OrderedDict[Key, int] = OrderedDict()

    def offset_of(self, key: Key) -> int | None:
        """Return where the first copy stands, or None where it is not known."""
        return self._offsets.get(key)

    def remember(self, key: Key, offset: int) -> None:
        """Note a first copy, once it is durable: its receipt is what a repeat is answered with.

        Copies that were under way together all come here; the first to be durable stays.
        """
        self._offsets.setdefault(key, offset)
        if len(self._offsets) > self._ids_max:
            self._offsets.popitem(last=False)
