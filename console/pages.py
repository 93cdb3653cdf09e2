"""Where one is in a list that the daemon answers page by page; pure."""


class Pages:
    """The cursors of the pages from the first one to the one that is shown."""

    def __init__(self) -> None:
        self._cursors: list[str | None] = [None]
        self._following: str | None = None

    @property
    def cursor(self) -> str | None:
        """What the shown page begins behind; None is the first page."""
        return self._cursors[-1]

    @property
    def number(self) -> int:
        """Which page is shown, from 1 on."""
        return len(self._cursors)

    @property
    def is_last(self) -> bool:
        """Whether nothing follows the shown page."""
        return self._following is None

    def answered(self, following: str | None) -> None:
        """Note what the page that follows the shown one begins behind, None where there is none."""
        self._following = following

    def forward(self) -> bool:
        """Go to the next page; False where there is none."""
        if self._following is None:
            return False
        self._cursors.append(self._following)
        self._following = None
        return True

    def back(self) -> bool:
        """Go to the page before; False on the first one."""
        if len(self._cursors) == 1:
            return False
        self._following = self._cursors.pop()
        return True

    def restart(self) -> None:
        """Go to the first page of another list."""
        self._cursors, self._following = [None], None
