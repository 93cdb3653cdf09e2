"""How long the last groups took to become durable."""

from collections import deque

COMMITS_KEPT = 512
"""Of how many groups the time is kept."""


class Commits:
    """The seconds of the last COMMITS_KEPT groups; adding one is all that a group costs."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=COMMITS_KEPT)
        self.add = self._seconds.append

    def percentiles(self, *percents: int) -> tuple[float | None, ...]:
        """Return the least times that so many percent of the groups do not exceed (nearest rank); None without any."""
        ordered = sorted(self._seconds)
        return tuple(ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None for percent in percents)
