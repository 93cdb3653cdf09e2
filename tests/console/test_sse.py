"""Server-sent events in pieces (WHATWG HTML, 9.2.6)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import AnswerUnreadable
from console.sse import MESSAGE_BYTES_MAX, Message, Messages

STREAM = b"""retry: 500\n: hello\n\nid: 1-a:4\ndata: {"n":1}\n\nevent: end\r\ndata: {"code"\r\ndata::"x"}\r\n\r\nid\ndata\n\ndata: cut"""
EXPECTED = [
    Message("message", "1-a:4", b'{"n":1}'),
    Message("end", "1-a:4", b'{"code"\n:"x"}'),
    Message("message", "", b""),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_the_messages_do_not_depend_on_the_pieces(cuts):
    messages, found = Messages(), []
    places = [0, *sorted(cuts), len(STREAM)]
    for begin, end in itertools.pairwise(places):
        found += messages.take(STREAM[begin:end])
    assert found == EXPECTED


def test_an_id_with_a_null_is_passed_over():
    assert list(Messages().take(b"id: 1\n\nid: 2\0\ndata: x\n\n")) == [Message("message", "1", b"x")]


@pytest.mark.parametrize("line_end", [b"", b"\n"])
def test_a_message_without_end_is_refused(line_end):
    endless = b"data: " + b"x" * MESSAGE_BYTES_MAX + line_end
    with pytest.raises(AnswerUnreadable, match="over 4194304 bytes"):
        list(Messages().take(endless))


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw):
    list(Messages().take(raw + b"\n\n"))
