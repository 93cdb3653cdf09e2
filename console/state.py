"""What the screens show: one frozen snapshot, made anew by everything that is heard; pure."""

from collections import deque
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from collector.wire.live import LiveBatch, LiveEvent
from collector.wire.query import Dimension, Metric
from collector.wire.users import Role
from console.plot import DAY, HOUR, MINUTE, Series

TAIL_EVENTS_MAX = 500
RATE_WINDOW_S = 5
RATE_SECONDS = 120
"""How far back the chart of the rate reaches."""


class Span(NamedTuple):
    """A period until now, and the periods that its chart is cut into."""

    age: str
    length: timedelta
    dimension: Dimension
    step: timedelta


SPANS = (
    Span("30m", timedelta(minutes=30), "time:minute", MINUTE),
    Span("6h", timedelta(hours=6), "time:minute", MINUTE),
    Span("24h", timedelta(days=1), "time:hour", HOUR),
    Span("7d", timedelta(days=7), "time:hour", HOUR),
    Span("30d", timedelta(days=30), "time:day", DAY),
    Span("90d", timedelta(days=90), "time:day", DAY),
    Span("365d", timedelta(days=365), "time:day", DAY),
)
FIRST_SPAN = SPANS[2]

CHART_METRICS: tuple[Metric, ...] = ("visitors", "pageviews", "events")


class Totals(NamedTuple):
    """Of a period; None where there is nothing to divide by."""

    visitors: float | None
    visits: float | None
    pageviews: float | None
    events: float | None
    bounce_rate: float | None
    visit_duration: float | None


class Ranked(NamedTuple):
    """One page or source; None is what has no name."""

    name: str | None
    visitors: int
    amount: int


class Overview(NamedTuple):
    """What the daemon answered about `span`; `position` grows with every load of its store."""

    span: Span
    metric: Metric
    position: int
    visitors_now: int
    totals: Totals
    previous: Totals | None
    series: Series
    pages: tuple[Ranked, ...]
    sources: tuple[Ranked, ...]


class Me(msgspec.Struct, frozen=True):
    """Who is signed in, as GET /auth/me says."""

    user_id: str
    role: Role
    nickname: str | None = None
    email: str | None = None


LinkKind = Literal["connecting", "live", "retry", "auth", "refused"]


class Link(NamedTuple):
    """The connection to the daemon. Times are of the console's own monotonic clock, in seconds."""

    kind: LinkKind = "connecting"
    heard_at: float | None = None
    retry_at: float | None = None
    reason: str = ""


class Rates:
    """Counts of accepted events by second of a monotonic clock."""

    def __init__(self) -> None:
        self._counts: deque[tuple[int, int]] = deque(maxlen=RATE_SECONDS)

    def add(self, at_s: float, accepted: int) -> None:
        """Note what was accepted; `at_s` never goes back."""
        second = int(at_s)
        if self._counts and self._counts[-1][0] == second:
            accepted += self._counts.pop()[1]
        self._counts.append((second, accepted))

    def per_second(self, now_s: float) -> float:
        """Return the mean of the last RATE_WINDOW_S whole seconds."""
        return sum(self.series(now_s)[-RATE_WINDOW_S:]) / RATE_WINDOW_S

    def series(self, now_s: float) -> list[int]:
        """Return the counts of the last RATE_SECONDS whole seconds, the present one left out."""
        counts = dict(self._counts)
        end = int(now_s)
        return [counts.get(second, 0) for second in range(end - RATE_SECONDS, end)]


class Snapshot(NamedTuple):
    """Everything that the screens show. `problem` says why the overview is not newer, if anything."""

    now: datetime
    span: Span = FIRST_SPAN
    metric: Metric = CHART_METRICS[0]
    link: Link = Link()
    me: Me | None = None
    overview: Overview | None = None
    problem: str = ""
    tail: tuple[LiveEvent, ...] = ()
    rate: float | None = None
    rates: tuple[int, ...] = ()
    accepted: int = 0
    skipped: int = 0
    rejected: int = 0
    duplicates: int = 0

    def heard(self, batch: LiveBatch) -> "Snapshot":
        """Return the snapshot with one message of the stream added."""
        return self._replace(
            tail=(*self.tail, *batch.events)[-TAIL_EVENTS_MAX:],
            accepted=self.accepted + batch.accepted,
            skipped=self.skipped + batch.skipped,
            rejected=self.rejected + batch.rejected,
            duplicates=self.duplicates + batch.duplicates,
        )
