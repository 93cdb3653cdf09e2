"""What is heard becomes what is shown."""

import pytest

from collector.wire.live import LiveBatch
from console.state import RATE_SECONDS, TAIL_EVENTS_MAX, Link, Rates, Snapshot
from console.widgets.topbar import pill
from tests.console.site import NOW, event


def batch(*events, **counts):
    return LiveBatch(
        at=NOW, events=list(events), **{"accepted": len(events), "skipped": 0, "rejected": 0, "duplicates": 0} | counts
    )


def test_the_tail_keeps_the_newest_and_the_counts_add_up():
    snapshot = Snapshot(NOW)
    for start in range(0, TAIL_EVENTS_MAX + 100, 100):
        events = [event(number) for number in range(start, start + 100)]
        snapshot = snapshot.heard(batch(*events, accepted=130, skipped=30, rejected=2, duplicates=1))
    assert [one.event_id[-4:] for one in (snapshot.tail[0], snapshot.tail[-1])] == [f"{100:04x}", f"{599:04x}"]
    assert len(snapshot.tail) == TAIL_EVENTS_MAX
    assert (snapshot.accepted, snapshot.skipped, snapshot.rejected, snapshot.duplicates) == (780, 180, 12, 6)


def test_the_rate_is_the_mean_of_the_last_whole_seconds():
    rates = Rates()
    for at, accepted in [(0.0, 1000), (10.1, 3), (10.9, 4), (12.0, 8), (15.5, 100)]:
        rates.add(at, accepted)
    assert rates.per_second(15.9) == 3.0
    assert rates.series(15.9)[-6:] == [0, 7, 0, 8, 0, 0]
    assert rates.per_second(1000) == 0
    assert len(rates.series(1000)) == RATE_SECONDS


def test_the_rates_of_a_long_time_are_bounded():
    rates = Rates()
    for second in range(10 * RATE_SECONDS):
        rates.add(second, 1)
    assert rates.series(10 * RATE_SECONDS) == [1] * RATE_SECONDS


@pytest.mark.parametrize(
    ("link", "paused", "text"),
    [
        (Link(), False, "◌ connecting"),
        (Link("live", 100.0), False, "● live 2s"),
        (Link("retry", 90.0, 110.0), False, "◌ retry 8s · data 12s old"),
        (Link("retry", None, 110.0), False, "◌ retry 8s"),
        (Link("auth", 90.0), False, "✕ auth"),
        (Link("refused"), False, "✕ refused"),
        (Link("live", 100.0), True, "⏸ paused"),
    ],
)
def test_the_pill_says_how_the_link_is_and_how_old_the_data(link, paused, text):
    assert pill(link, 102.0, paused=paused) == text
