"""Believable visitors of a small electronics shop: where they come from, what they look at, how long they think; pure."""

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

SHOP = "https://shop.example"
SOURCES: dict[str | None, int] = {
    None: 40,
    "https://www.search.example/search?q=resistors": 28,
    "https://duck.example/?q=555+timer": 8,
    "https://news.example/makers/issue-12": 7,
    "https://forum.example/t/which-soldering-iron": 9,
    "https://social.example/@bench": 8,
}
PAGES = {
    "/": "Electronics for your bench",
    "/resistors": "Resistors",
    "/capacitors": "Capacitors",
    "/transistors": "Transistors",
    "/microcontrollers": "Microcontrollers",
    "/soldering": "Soldering",
    "/resistors/1k-carbon-film": "1 kΩ carbon film",
    "/capacitors/100n-ceramic": "100 nF ceramic",
    "/microcontrollers/rp2040": "RP2040 board",
    "/soldering/iron-80w": "Soldering iron, 80 W",
    "/blog/first-oscillator": "Your first oscillator",
    "/cart": "Cart",
    "/checkout": "Checkout",
}
LANDINGS = {"/": 45, "/blog/first-oscillator": 20, "/resistors": 12, "/microcontrollers/rp2040": 15, "/soldering": 8}
BUTTONS = ("search", "add_to_cart", "show_datasheet", "sort_by_price")
BUTTON_SHARE, RETURN_SHARE, SIGNUP_SHARE, BOUNCE_SHARE = 0.3, 0.25, 0.04, 0.35
STEPS_MEAN = 6
THINK_S = (2.0, 25.0)
THINK_MEAN_S = sum(THINK_S) / 2
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 12, 11, 12, 13, 13, 12, 12, 13, 15, 16, 13, 8, 4)
"""How busy each hour of the day (UTC) is."""
KNOWN_MAX = 500
"""Visitors that may come back."""

Item = dict[str, object]
Value = TypeVar("Value")


class Step(NamedTuple):
    """What a visitor does `after_s` seconds after what it did before; `signs_up`: it makes an account first."""

    after_s: float
    item: Item
    signs_up: bool = False


class Visit(NamedTuple):
    """One visit of one browser."""

    anonymous_id: str
    steps: list[Step]


class Shop:
    """Draws visits; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._known: list[str] = []

    def visit(self) -> Visit:
        """Return the next visit; some visitors have been here before."""
        anonymous_id = self._visitor()
        referrer = _weighted(self._draw, SOURCES)
        count = 1 if self._draw.random() < BOUNCE_SHARE else 1 + round(self._draw.expovariate(1 / STEPS_MEAN))
        steps: list[Step] = []
        page = _weighted(self._draw, LANDINGS)
        for number in range(count):
            item = self._item(page, anonymous_id, referrer)
            signs_up = number > 0 and self._draw.random() < SIGNUP_SHARE
            steps.append(Step(self._draw.uniform(*THINK_S) if number else 0.0, item, signs_up))
            referrer = SHOP + page
            page = self._draw.choice([other for other in PAGES if other != page])
        return Visit(anonymous_id, steps)

    def past(self, until: datetime, hours: int, visits: int) -> Iterator[Item]:
        """Yield the actions of that many visits over the last hours, with their times, in no order of time."""
        begins = [until - timedelta(hours=back + 1) for back in range(hours)]
        weights = [HOURS[begin.astimezone(UTC).hour] for begin in begins]
        for begin in self._draw.choices(begins, weights, k=visits):
            at = begin + timedelta(seconds=self._draw.uniform(0, 3600))
            for step in self.visit().steps:
                at += timedelta(seconds=step.after_s)
                if at < until:
                    yield step.item | {"date_created": at.isoformat(timespec="milliseconds")}

    def pause_s(self, visits_per_s: float) -> float:
        """Return how long after one visitor the next one comes."""
        return self._draw.expovariate(visits_per_s)

    def _visitor(self) -> str:
        if self._known and self._draw.random() < RETURN_SHARE:
            return self._draw.choice(self._known)
        self._known = [*self._known, str(uuid.UUID(int=self._draw.getrandbits(128), version=4))][-KNOWN_MAX:]
        return self._known[-1]

    def _item(self, page: str, anonymous_id: str, referrer: str | None) -> Item:
        button = self._draw.random() < BUTTON_SHARE and referrer is not None and referrer.startswith(SHOP)
        item: Item = {
            "source_label": self._draw.choice(BUTTONS) if button else "pageview",
            "anonymous_id": anonymous_id,
            "page_url": SHOP + page,
            "title": PAGES[page],
        }
        return item if referrer is None else item | {"referrer": referrer}


def mean_actions(visits: Sequence[Visit]) -> float:
    """Return how many actions a visit has."""
    return sum(len(visit.steps) for visit in visits) / len(visits)


def _weighted(draw: random.Random, weights: dict[Value, int]) -> Value:
    (chosen,) = draw.choices(list(weights), list(weights.values()))
    return chosen
