"""Whom the bytes of an item name that nobody could read as one: every text in them may be somebody's identifier."""

import json
import re
from urllib.parse import unquote_plus

from storage.event import BUILT_IN_APP
from storage.query.erasure import Person

LAYERS_MAX = 4
"""Of texts inside of texts: a line holds an item, which holds JSON or a link in a text, which has escapes of its own."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r'[^\s"\\,:{}\[\]]+')
_MEMBER = re.compile(r"[^\s\"\\,:{}\[\]&=;?#]+")
"""Of a form or a link."""

_LAYERED = re.compile(r"[\\%+&=\"\s,:]")
"""What a text has that holds other texts, or is written in escapes."""

_APP = re.compile(r'"app_code"\s*:\s*"([^"\\]*)"')


def named_in(sent: str, app_code: str | None) -> list[Person]:
    """Return everybody whom `sent` may name; without an app_code those of any application that it names."""
    found = words(sent)
    apps = {app_code} if app_code is not None else {BUILT_IN_APP, *_APP.findall(sent)}
    return [person for app in sorted(apps) for word in found for person in (Person(app, word), Person(app, None, word))]


def senders(app_code: str, user_id: str | None, anonymous_id: str | None) -> list[Person]:
    """Return who sent a rejected item: a user and a visitor may be two who are erased one without the other."""
    user = [] if user_id is None else [Person(app_code, user_id)]
    return user + ([] if anonymous_id is None else [Person(app_code, None, anonymous_id)])


def words(sent: str) -> set[str]:
    """Return the texts, out of the escapes of JSON, forms and links that they are written in."""
    found: set[str] = set()
    layer = {sent}
    for _ in range(LAYERS_MAX):
        layer = {word for text in layer for word in _inside(text)} - found
        found |= layer
        layer = {text for text in layer if _LAYERED.search(text)}
    return found


def _inside(text: str) -> set[str]:
    told = {*_QUOTED.findall(text), *_BARE.findall(text), *_MEMBER.findall(text)}
    return told | {_unescaped(one) for one in told if "\\" in one} | {unquote_plus(one) for one in told}


def _unescaped(text: str) -> str:
    """Return the text of a JSON string (RFC 8259, 7); as it is where it is none."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text
