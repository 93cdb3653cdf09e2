"""The ids that were seen lately: answering a client's repeat at the door, as a courtesy; the store removes every one."""

from collections import deque
from collections.abc import Mapping

Key = tuple[str, str]
"""(app_code, event_id): the key of a repeat."""


class RecentIds:
    """A bounded map from the key of an event to its offset; the oldest leaves first."""

    def __init__(self, ids_max: int) -> None:
        self._ids_max = ids_max
        self._offsets: dict[Key, int] = {}
        # To find its first key a dict steps over all that were deleted since it last grew.
        self._order: deque[Key] = deque()

    def offset_of(self, key: Key) -> int | None:
        """Return where the first copy stands, or None where it is not known."""
        return self._offsets.get(key)

    def remember(self, key: Key, offset: int) -> None:
        """Note a first copy, once it is durable: its receipt is what a repeat is answered with.

        Copies that were under way together all come here; the first to be durable stays.
        """
        self.remember_all({key: 0}, offset)

    def remember_all(self, line_of: Mapping[Key, int], first_offset: int) -> None:
        """Note the first copies of a batch by their lines in it, of which the first has that offset."""
        offsets, order = self._offsets, self._order
        for key, line in line_of.items():
            if key not in offsets:
                offsets[key] = first_offset + line
                order.append(key)
        for _ in range(len(order) - self._ids_max):
            del offsets[order.popleft()]
