"""Whom the bytes of a rejected item name, however they are written."""

import json
from urllib.parse import quote_plus

import pytest

from storage.named import named_in, words
from storage.query.erasure import Person

PLAIN = "ada-the-user"
ODD = 'ad"a\\ é&=;/+ 100% {x}'
MAIL = "ada@example.org"

WRITTEN = {
    "a member": lambda name: json.dumps({"id_user": name}),
    "a member, escaped to ASCII": lambda name: json.dumps({"id_user": name}, ensure_ascii=True),
    "a member, as it is": lambda name: json.dumps({"id_user": name}, ensure_ascii=False),
    "a key": lambda name: json.dumps({name: 1}),
    "in an array": lambda name: json.dumps([[name]]),
    "JSON in a text": lambda name: json.dumps({"raw": json.dumps({"id_user": name})}),
    "JSON in a text in a text": lambda name: json.dumps({"raw": json.dumps({"raw": json.dumps({"id_user": name})})}),
    "a link": lambda name: json.dumps({"page_url": f"https://a.example/?user={quote_plus(name)}&b=1"}),
    "a form": lambda name: f"a=1&userId={quote_plus(name)}&b=2",
    "JSON in a form": lambda name: f"p={quote_plus(json.dumps({'userId': name}))}",
    "cut behind it": lambda name: json.dumps({"id_user": name, "a": "b"})[:-4],
}


@pytest.mark.parametrize("name", [PLAIN, ODD, MAIL], ids=["plain", "odd", "mail"])
@pytest.mark.parametrize("how", WRITTEN)
def test_an_identifier_is_found_however_it_is_written(how: str, name: str):
    assert name in words(WRITTEN[how](name))


@pytest.mark.parametrize("sent", ["id: 9841,", "{id_user:9841}", '{"id_user":9841}', "[9841]", "9841", "id_user=9841"])
def test_a_number_and_a_bare_word_are_found_too(sent: str):
    assert "9841" in words(sent)


@pytest.mark.parametrize("sent", ["", '"', "\\", '"\\', "%", "%zz", "\ud800", '"\\ud800"', "\x00", "=&=&", "{" * 1000])
def test_what_names_nobody_is_no_error(sent: str):
    assert PLAIN not in words(sent)


def test_a_part_of_a_longer_word_is_nobody():
    assert PLAIN not in words(json.dumps({"id_user": f"{PLAIN}-too"}))


def test_without_an_application_everybody_of_those_that_are_named_is_meant():
    sent = json.dumps({"app_code": "shop", "id_user": "ada"})
    assert {Person("shop", "ada"), Person("shop", None, "ada"), Person("site", "ada")} <= set(named_in(sent, None))
    assert Person("site", "ada") not in named_in(sent, "shop")
