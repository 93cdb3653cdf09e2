"""Named amounts as bars."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.bars import Amount, bars


def drawn(*amounts, width=20, height=10, **options):
    lines = bars([Amount(*one) for one in amounts], width, height, **options)
    return [f"{one.name} {one.bar} {one.value}" for one in lines]


def test_the_greatest_amount_has_the_longest_bar():
    assert drawn(("diode", 200), ("led", 100), ("none", 0)) == [
        "diode ██████████ 200",
        "led   █████      100",
        "none               0",
    ]


def test_ascii_draws_the_same():
    assert drawn(("diode", 200), ("led", 100), ascii_only=True) == ["diode ########## 200", "led   #####      100"]


def test_a_little_is_more_than_nothing():
    assert drawn(("diode", 20_000), ("led", 1))[1] == "led   ▏            1"


def test_what_is_less_than_nothing_has_no_bar():
    assert drawn(("up", 4), ("down", -4)) == ["up   ████████████  4", "down              -4"]


def test_what_has_no_line_is_counted():
    assert [one.strip() for one in drawn(("a", 3), ("b", 2), ("c", 1), height=2)][1] == "2 more"


@pytest.mark.parametrize("name", ["x" * 100, "\u5bbd\u5b57" * 60, "e" + "\u0301" * 200])
def test_a_long_name_is_cut(name):
    (line,) = drawn((name, 5), width=30)
    assert cell_len(line) == 30


names = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me"]), max_size=30)
amounts = st.lists(st.tuples(names, st.floats(-1e9, 1e9)), max_size=6)


@given(amounts, st.integers(0, 100), st.integers(0, 8), st.booleans())
def test_no_line_is_wider_than_the_room(amounts, width, height, ascii_only):
    lines = bars([Amount(*one) for one in amounts], width, height, ascii_only=ascii_only)
    assert len(lines) == min(len(amounts), height)
    for line in lines[: len(amounts)] if width > 30 else []:
        assert line.name.endswith("more") or cell_len(f"{line.name} {line.bar} {line.value}") <= width
