"""Aligned text."""

from console.table import fields, table


def test_texts_stand_left_and_numbers_right():
    assert table(("page", "visits"), [["/a", 1000], ["/long", 7]]) == "page   visits\n/a       1000\n/long       7\n"


def test_wide_and_combining_characters_keep_the_columns_straight():
    assert (
        table(("page", "visits"), [["/日本", 1], ["/e\u0301", 2]])
        == "page   visits\n/日本       1\n/e\u0301          2\n"
    )


def test_nobody_is_shown_as_a_dash():
    assert table(("user", "visits"), [[None, 1]]) == "user  visits\n-          1\n"


def test_no_rows_are_a_heading():
    assert table(("page", "visits", "visitors"), []) == "page  visits  visitors\n"


def test_the_values_of_fields_are_aligned():
    assert fields([("a", "1"), ("long", "2")]) == "a     1\nlong  2\n"
