"""Periods as people write them on the command line: `24h`, `7d`, `2026-11-01..2026-11-08`."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

FORMS = "24h, 7d, 30d or YYYY-MM-DD..YYYY-MM-DD (UTC, the second day not included)"

_AGE = re.compile(r"([1-9][0-9]{0,3})([hd])")
_DAYS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")


class Period(NamedTuple):
    """From `age` ago until now, or from one day to another."""

    age: timedelta | None = None
    days: tuple[date, date] | None = None

    def parameters(self, now: datetime) -> dict[str, str]:
        """Return `from` and `to` as query parameters; a period until now has no `to`, lest a clock behind cuts it."""
        if self.days is not None:
            return {"from": self.days[0].isoformat(), "to": self.days[1].isoformat()}
        assert self.age is not None
        start = (now - self.age).astimezone(UTC).replace(tzinfo=None)
        return {"from": f"{start.isoformat(timespec='seconds')}Z"}


def period(text: str) -> Period:
    """Return the period; ValueError names the forms that are read."""
    if match := _AGE.fullmatch(text):
        count = int(match[1])
        return Period(age=timedelta(hours=count) if match[2] == "h" else timedelta(days=count))
    if match := _DAYS.fullmatch(text):
        days = date.fromisoformat(match[1]), date.fromisoformat(match[2])
        if days[0] >= days[1]:
            raise ValueError("the second day should be after the first: it is not included")
        return Period(days=days)
    raise ValueError(f"should be {FORMS}")
