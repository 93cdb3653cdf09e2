"""A landing: what referrer and address of a page tell of how somebody came, as one text of few distinct ones.

The text is `<origin of the referrer>#<origin of the page>#<members of the link>`, where a referrer of the same origin is
left out with its page. Members stand as they do in the page's address, joined by `&`; those of clicks have lost their
values, which are different ones for every click.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_plus

CLICKS: dict[str, tuple[str, bool]] = {
    "dclid": ("google", True),
    "fbclid": ("facebook", False),
    "gbraid": ("google", True),
    "gclid": ("google", True),
    "li_fat_id": ("linkedin", True),
    "msclkid": ("bing", True),
    "ttclid": ("tiktok", True),
    "twclid": ("x", True),
    "wbraid": ("google", True),
    "yclid": ("yandex", True),
}
"""Members that networks add to the address of a page: whose they are, and whether only paid links have them."""

ORIGIN = "^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*"
"""What is taken of a URL (RFC 3986, section 3); DuckDB takes it too."""

MEMBERS = f"[?&]((?:utm_source|utm_medium|utm_campaign|utm_term|utm_content)=[^&#]*|(?:{'|'.join(CLICKS)})=)"
"""What is taken of a page's address; DuckDB takes it too."""

ORIGIN_CHARS_MAX = 300
"""A name in the DNS has 253 characters at the most."""

MEMBERS_CHARS_MAX = 1024

VALUE_CHARS_MAX = 128
"""Of one member; the rest is cut."""

_HOST = re.compile(r"[^:]*://(?:.*@)?(?:www\.)?(\[[^]]*\]|[^:@]+)")


class Landing(NamedTuple):
    """Hosts are in lower case and without `www.`, as are `utm_source` and `utm_medium`; `click` is one of CLICKS.

    The host of a referrer of the same host is None.
    """

    referrer_host: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click: str | None = None


def landing_text(referrer: str | None, page_url: str | None) -> str:
    """Return the text of an event, as the store makes it of the same two (duckdb/queries/stage.sql)."""
    came_from, landed_on = referrer or "", page_url or ""
    is_own = not came_from or (page_url is not None and _authority(came_from) == _authority(landed_on))
    origins = "##" if is_own else f"{_origin(came_from)}#{_origin(landed_on)}#"
    members = "&".join(re.findall(MEMBERS, landed_on)) if "?" in landed_on else ""
    return origins + members[:MEMBERS_CHARS_MAX]


def landing_of(text: str) -> Landing:
    """Return what the text says; of a member that stands twice the first counts."""
    referrer, page, members = text.split("#")
    came_from = _host(referrer)
    sent = dict(reversed([member.partition("=")[::2] for member in members.split("&")]))
    return Landing(
        referrer_host=None if came_from == _host(page) else came_from,
        utm_source=_value(sent, "utm_source", is_word=True),
        utm_medium=_value(sent, "utm_medium", is_word=True),
        utm_campaign=_value(sent, "utm_campaign"),
        utm_term=_value(sent, "utm_term"),
        utm_content=_value(sent, "utm_content"),
        click=next((name for name in sent if name in CLICKS), None),
    )


def _authority(url: str) -> str:
    """Return what stands between the second slash and the third."""
    return "".join(url.split("/", 3)[2:3])


def _origin(url: str) -> str:
    found = re.match(ORIGIN, url)
    return found[0][:ORIGIN_CHARS_MAX] if found else ""


def _host(origin: str) -> str | None:
    found = _HOST.match(origin.lower())
    return found and found[1]


def _value(sent: Mapping[str, str], name: str, *, is_word: bool = False) -> str | None:
    """Return the value of a member (WHATWG URL, section 5.1), None where there is none."""
    value = unquote_plus(sent.get(name, "")).strip()[:VALUE_CHARS_MAX] or None
    return value.lower() if value and is_word else value
