"""The checklist of security beside the tests: each of its rows has one that is named by its id."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
LETTERS = {"a": 14, "b": 12, "c": 11, "d": 12, "e": 8, "f": 12, "g": 11, "h": 11}
"""Rows of each table of the checklist."""
ELSEWHERE = {"a12", *(f"g{number}" for number in range(1, 12))}
"""Of requests that are sent twice, and of records: there are none of those yet."""


def test_every_row_has_a_test_of_its_id():
    rows = {f"{letter}{number}" for letter, count in LETTERS.items() for number in range(1, count + 1)}
    text = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    named = set(re.findall(r"^(?:async )?def test_([a-h]\d+)_", text, re.MULTILINE))
    assert named <= rows
    assert rows - named <= ELSEWHERE
