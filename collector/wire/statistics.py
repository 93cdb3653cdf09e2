"""What the statistics take and answer: GET /stats/visits, /stats/summary and /export/events.ndjson (R3)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from collector.wire.body import field_error
from collector.wire.problem import FieldError, QueryInvalid
from collector.wire.tracking import Identifier, Label, Url

By = Literal["user", "page", "hour", "day", "week", "month"]
EXPECTED_TIME = "expected a date or a time: 2026-01-31, 2026-01-31 23:59:59, 2026-01-31T23:59:59Z"
TIMES: Final = ["2026-01-31", "2026-01-31 23:59:59", "2026-01-31T23:59:59Z"]
UNIQUE: Final = {"uniqueItems": True}
QueryTime = Annotated[datetime, Meta(description=EXPECTED_TIME.removeprefix("expected "), examples=TIMES)]
Limit = Annotated[int, Meta(ge=1, le=1000)]
OPAQUE: Final = {"pattern": "^[A-Za-z0-9_.-]+$"}
Cursor = Annotated[str, Meta(min_length=1, max_length=8192, extra_json_schema=OPAQUE)]


class Range(msgspec.Struct, frozen=True, kw_only=True, rename={"from_time": "from", "to_time": "to"}):
    """When: `from` is included, `to` is not; both are aware and in UTC."""

    from_time: QueryTime | None = None
    to_time: QueryTime | None = None


class Filter(Range, frozen=True, kw_only=True):
    """Which events."""

    app_code: Identifier = "site"
    user_id: Identifier | None = None
    page_url: Url | None = None


class VisitsParameters(Filter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of GET /stats/visits; without `by` single pageviews."""

    by: Annotated[tuple[By, ...], Meta(min_length=1, extra_json_schema=UNIQUE)] | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class SummaryParameters(Filter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of GET /stats/summary; `limit` counts popular pages."""

    limit: Limit = 10


class ExportParameters(Filter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of GET /export/events.ndjson."""

    source_label: Label | None = None


class VisitRow(msgspec.Struct, frozen=True):
    """One pageview; `timestamp` is when it happened."""

    user_id: str | None
    anonymous_id: str | None
    page_url: str | None
    timestamp: datetime


class VisitsAnswer(msgspec.Struct, frozen=True):
    """Pageviews, newest first; `next` is the cursor of the next page."""

    rows: list[VisitRow]
    next: str | None


class BreakdownAnswer(msgspec.Struct, frozen=True):
    """Each row has a member for each of `by` (an hour as 2026-01-01T10:00:00Z, a week as its Monday), visits, visitors."""

    rows: list[dict[str, str | int | None]]
    next: str | None


VISITS = (VisitsAnswer, BreakdownAnswer)
"""The answers without and with `by`."""


class PageCount(msgspec.Struct, frozen=True):
    """A page, its pageviews and its distinct persons."""

    page_url: str
    visits: int
    unique_users: int


class SummaryAnswer(msgspec.Struct, frozen=True):
    """Totals, and the pages with most visits; a person who never signed in counts as one user."""

    total_visits: int
    unique_users: int
    popular_pages: list[PageCount]


Parameters = TypeVar("Parameters", bound=msgspec.Struct)


def parse(pairs: Iterable[tuple[str, str]], shape: type[Parameters]) -> Parameters:
    """Return the parameters of a query string.

    A time is ISO 8601 or `YYYY-MM-DD HH:MM:SS` or a date; without a zone it is UTC.

    Raises:
        QueryInvalid: a parameter is unknown, repeated or wrong; its path is `?name`.
    """
    pairs = list(pairs)
    _refuse_repeated(name for name, _ in pairs)
    texts = dict(pairs)
    try:
        parameters = msgspec.convert(_typed(texts, shape), shape, strict=False)
    except msgspec.ValidationError as error:
        found = field_error(error)
        raise _invalid(found.path.removeprefix("$.").partition("[")[0], found.code, found.message) from None
    _refuse_null(parameters, texts)
    if isinstance(parameters, Range):
        _refuse_backwards(parameters)
    return parameters


def _refuse_repeated(names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise QueryInvalid([FieldError(f"?{name}", "repeated", "the parameter is repeated") for name in repeated])


def _refuse_null(parameters: msgspec.Struct, sent: Mapping[str, str]) -> None:
    """Refuse a parameter that was read as none: msgspec takes the text `null` for it, and would ask about everything."""
    for field in msgspec.structs.fields(parameters):
        if field.encode_name in sent and getattr(parameters, field.name) is None:
            raise _invalid(field.encode_name, "wrong_value", "there is no such value; leave the parameter out")


def _typed(texts: Mapping[str, str], shape: type[msgspec.Struct]) -> dict[str, object]:
    typed: dict[str, object] = dict(texts)
    for name in ("from", "to"):
        if name in texts:
            typed[name] = _time(name, texts[name])
    if "by" in texts and issubclass(shape, VisitsParameters):
        typed["by"] = _dimensions(texts["by"])
    return typed


def _time(name: str, text: str) -> datetime:
    try:
        return utc_time(text)
    except ValueError:
        raise _invalid(name, "wrong_value", EXPECTED_TIME) from None


def utc_time(text: str) -> datetime:
    """Return the time that a text of EXPECTED_TIME means; ValueError for every other text."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def _dimensions(text: str) -> list[str]:
    names = text.split(",")
    if len(set(names)) < len(names):
        raise _invalid("by", "repeated", "a dimension is repeated")
    return names


def _refuse_backwards(parameters: Range) -> None:
    if parameters.from_time and parameters.to_time and parameters.to_time < parameters.from_time:
        raise _invalid("to", "wrong_value", "`to` is before `from`")


def _invalid(name: str, code: str, message: str) -> QueryInvalid:
    return QueryInvalid([FieldError(f"?{name}", code, message)])
