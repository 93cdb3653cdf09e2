"""How many stored events have which mark: counted once, and then only what was loaded since."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from storage.duckdb.statement import Row, statement


class Marks:
    """The counts of one database up to a position; whoever changes marks of stored events starts with new ones."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._position = 0
        self._counts = Counter[str]()

    def count(self, rows: Callable[[str, Mapping[str, object]], list[Row]], position: int) -> dict[str, int]:
        """Return the events up to `position` by rule of filtering, signal, and `violation`; `rows` runs a statement.

        Of a database that was counted before only the loads after that are read.
        """
        with self._counting:
            if position > self._position:
                added = rows(statement("marks"), {"after": self._position, "position": position})
                self._counts.update(dict(added))
                self._position = position
            return dict(self._counts)
