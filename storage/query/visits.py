"""Pageviews one by one, by dimensions and in total (R3)."""

from datetime import datetime
from typing import Literal

import msgspec

from storage.query.events import EventFilter

Dimension = Literal["user", "page", "hour", "day", "week", "month"]


class VisitsQuery(msgspec.Struct, frozen=True, kw_only=True, tag="visits"):
    """Single pageviews, newest first. `after` is the `next` of the previous answer."""

    where: EventFilter
    limit: int
    after: str | None = None


class VisitRow(msgspec.Struct, frozen=True):
    """One pageview; `timestamp` is when it happened, UTC."""

    user_id: str | None
    anonymous_id: str | None
    page_url: str | None
    timestamp: datetime


class VisitsPage(msgspec.Struct, frozen=True):
    """A page of pageviews; `next` is None on the last one."""

    rows: list[VisitRow]
    next: str | None


class BreakdownQuery(msgspec.Struct, frozen=True, kw_only=True, tag="breakdown"):
    """Pageviews and distinct visitors by one or several dimensions; periods are UTC, weeks begin on Monday.

    Order: the period ascending where there is one, then visits descending, then the other dimensions.
    """

    where: EventFilter
    by: tuple[Dimension, ...]
    limit: int
    after: str | None = None


class BreakdownRow(msgspec.Struct, frozen=True):
    """`keys` stand in the order of `by`; a user is None where nobody was signed in."""

    keys: list[str | None]
    visits: int
    visitors: int


class BreakdownPage(msgspec.Struct, frozen=True):
    """A page of a breakdown; `next` is None on the last one."""

    rows: list[BreakdownRow]
    next: str | None


class SummaryQuery(msgspec.Struct, frozen=True, kw_only=True, tag="summary"):
    """Totals of pageviews and the pages with most of them."""

    where: EventFilter
    pages: int


class PageCount(msgspec.Struct, frozen=True):
    """A page, its pageviews and its distinct visitors."""

    page_url: str
    visits: int
    unique_users: int


class Summary(msgspec.Struct, frozen=True):
    """`unique_users` counts distinct persons: users, and visitors who never signed in."""

    total_visits: int
    unique_users: int
    popular_pages: list[PageCount]
