"""Text of strangers: whatever they write, nothing of it commands a terminal."""

import json
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.answers import escaped
from console.errors import AnswerUnreadable
from console.text import REPLACEMENT, clean, cleaned

ANY_TEXT = st.text(alphabet=st.characters(codec=None, categories=None)) | st.text(
    alphabet=st.sampled_from("\x00\x07\x1b\n\t\x7f\x80\x9b\x9d\u2028\u2029\u202e\u2066\u061c\ud800\udfffa[]m")
)
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=10,
)


def unfit(character):
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in BIDI
        or character in "\u200e\u200f\u061c"
    )


def texts(tree):
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for one in tree:
            yield from texts(one)
    elif isinstance(tree, dict):
        for name, one in tree.items():
            yield name
            yield from texts(one)


@given(ANY_TEXT)
def test_each_unfit_character_is_replaced_and_no_other_is_touched(text):
    assert clean(text) == "".join(REPLACEMENT if unfit(character) else character for character in text)


@given(ANY_TEXT)
def test_clean_text_stays_as_it_is_and_can_be_encoded(text):
    assert clean(clean(text)) == clean(text)
    clean(text).encode("utf-8")


@given(TREES)
def test_every_text_of_an_answer_is_cleaned_names_of_members_too(tree):
    assert not any(unfit(character) for text in texts(cleaned(tree)) for character in text)


@given(TREES)
def test_escaped_json_is_printable_ascii_and_loses_nothing(tree):
    assume(not any(unicodedata.category(character) == "Cs" for text in texts(tree) for character in text))
    line = escaped(json.dumps(tree).encode("ascii"))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == tree


def test_half_a_surrogate_pair_is_no_answer():
    with pytest.raises(AnswerUnreadable):
        escaped(b'"\\ud800"')
