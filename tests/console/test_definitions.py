"""Event definitions as people write them in a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.wire.apps import AttrShape
from console.definitions import TYPES, line, typed, words


@pytest.mark.parametrize(
    ("text", "attrs"),
    [
        ("", []),
        ("price:number", [("price", "number")]),
        ("  a:string\tb:boolean ", [("a", "string"), ("b", "boolean")]),
        ("'unit of sale:string'", [("unit of sale", "string")]),
        ('"unit of sale":string', [("unit of sale", "string")]),
        ("utm:source:string", [("utm:source", "string")]),
    ],
)
def test_attrs_are_read(text, attrs):
    assert typed(words(text)) == [AttrShape(*one) for one in attrs]


@pytest.mark.parametrize(
    "text", ["price", ":number", "price:", "price:Number", "price: number", "a:string a:number", "'a"]
)
def test_what_is_no_attr_is_refused(text):
    with pytest.raises(ValueError, match=r"should be ATTR:TYPE|is there twice|is not closed"):
        typed(words(text))


attrs = st.lists(
    st.builds(AttrShape, st.text(min_size=1, max_size=20), st.sampled_from(list(TYPES.values()))),
    max_size=4,
    unique_by=lambda one: one.name,
)


@given(attrs)
def test_what_is_shown_is_read_again(attrs):
    assert typed(words(line(attrs))) == attrs
