"""What an answer of a pivot is read as."""

import json

import pytest

from console.bars import Amount
from console.errors import AnswerUnreadable
from console.pivot import Pivot, PivotAsked, PivotRow, read_pivot


def test_rows_and_columns_stand_with_the_greatest_total_first():
    rows = [{"user_code": "bo", "diode": 9, "led": None}, {"user_code": "ann", "resistor": 11, "diode": 235}]
    ann, bo = PivotRow("ann", {"resistor": 11, "diode": 235}), PivotRow("bo", {"diode": 9})
    assert read_pivot(json.dumps(rows).encode()) == Pivot(
        ("diode", "resistor"), (ann, bo), PivotRow(None, {"diode": 244, "resistor": 11})
    )
    assert (ann.total, ann.amounts) == (246, (Amount("diode", 235), Amount("resistor", 11)))


def test_no_rows_are_a_pivot():
    assert read_pivot(b"[]") == Pivot((), (), PivotRow(None, {}))


def test_values_that_are_alike_once_clean_count_together():
    (row,) = read_pivot(b'[{"user_code": "\\u001b[m", "a\\u0007": 1, "a\\u0008": 2.5}]').rows
    assert row == PivotRow("\ufffd[m", {"a\ufffd": 3.5})


@pytest.mark.parametrize(
    "answer",
    [{}, [1], [[]], [{"user_code": []}], [{"user_code": "a", "b": "c"}], [{"user_code": "a", "b": True}], "x", None],
    ids=json.dumps,
)
def test_what_is_no_pivot_is_refused(answer):
    with pytest.raises(AnswerUnreadable, match="the daemon answered"):
        read_pivot(json.dumps(answer).encode())


def test_only_what_is_chosen_is_asked():
    assert PivotAsked("a", "e").parameters({}) == {}
    asked = PivotAsked("a", "e", "colour", "price").parameters({"from": "2026-01-01"})
    assert asked == {"by": "colour", "sum": "price", "from": "2026-01-01"}
