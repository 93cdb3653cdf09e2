"""The range of a question: an age that ends now, or two times."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.query import RANGE_DAYS_MAX
from collector.wire.statistics import EXPECTED_TIME, utc_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Range(NamedTuple):
    """`from_time` is included, `to_time` is not; both are aware and in UTC."""

    from_time: datetime
    to_time: datetime


def of_age(age: str, to_time: datetime) -> Range:
    """Return the range of an age such as `7d` that ends at `to_time`; BodyInvalid where it is over the limit."""
    count, unit = int(age[:-1]), age[-1]
    return _limited(Range(to_time - count * UNITS[unit], to_time))


def of_times(texts: Sequence[str]) -> Range:
    """Return the range between two times; BodyInvalid names the one that is wrong."""
    from_time, to_time = (_time(index, text) for index, text in enumerate(texts))
    if to_time <= from_time:
        raise _invalid("$.range[1]", "the second time must be behind the first")
    return _limited(Range(from_time, to_time))


def with_end(to_time: datetime, cursor: str) -> str:
    """Return the cursor of an age: its next pages end when the first one did."""
    return f"{(to_time - EPOCH) // MICROSECOND}.{cursor}"


def end_of(cursor: str) -> tuple[datetime, str]:
    """Return what `with_end` was given; BodyInvalid for other text. The store knows whether the two belong together."""
    microseconds, _, rest = cursor.partition(".")
    try:
        return EPOCH + int(microseconds) * MICROSECOND, rest
    except (ValueError, OverflowError):
        raise _invalid("$.cursor", "the cursor is not the `next` of an answer to this question") from None


def _time(index: int, text: str) -> datetime:
    try:
        time = utc_time(text)
    except ValueError:
        raise _invalid(f"$.range[{index}]", EXPECTED_TIME) from None
    if time < EPOCH:
        raise _invalid(f"$.range[{index}]", "the time is before 1970")
    return time


def _limited(asked: Range) -> Range:
    if asked.to_time - asked.from_time > timedelta(days=RANGE_DAYS_MAX):
        raise _invalid("$.range", f"the range is over {RANGE_DAYS_MAX} days")
    return asked


def _invalid(path: str, message: str) -> BodyInvalid:
    return BodyInvalid([FieldError(path, "wrong_value", message)])
