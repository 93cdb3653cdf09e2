"""How a visitor came to a page: source and channel, from the referrer's host and the members of the page's query."""

from typing import NamedTuple

from storage.enrichment.channels import Channel, Traffic, channel_of
from storage.enrichment.sources import Kind, source_named, source_of_host, spam_of_host

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


class Landing(NamedTuple):
    """What a page's address and referrer tell; the host of a referrer of the same site is None.

    Hosts are in lower case and without `www.`, as are `utm_source` and `utm_medium`; `click` is one of CLICKS.
    """

    referrer_host: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click: str | None = None


class Arrival(NamedTuple):
    """What is derived of a landing; `source` is None where nobody sent the visitor."""

    source: str | None
    channel: Channel
    is_spam: bool


def arrival_of(landing: Landing) -> Arrival:
    """Return where the visitor came from: what the link says of itself counts before the network of a click, and both before the referrer."""
    source, kind = _source(landing)
    network, is_paid = CLICKS.get(landing.click or "", (None, False))
    channel = channel_of(
        Traffic(
            is_tagged=landing.utm_source is not None or landing.utm_medium is not None or network is not None,
            has_referrer=landing.referrer_host is not None,
            kind=kind,
            medium=landing.utm_medium or "",
            campaign=(landing.utm_campaign or "").lower(),
            is_paid_click=is_paid,
        )
    )
    return Arrival(source, channel, spam_of_host(landing.referrer_host or ""))


def _source(landing: Landing) -> tuple[str | None, Kind | None]:
    if landing.utm_source is not None:
        return source_named(landing.utm_source)
    if landing.click is not None:
        return source_named(CLICKS[landing.click][0])
    if landing.referrer_host is not None:
        return source_of_host(landing.referrer_host)
    return None, None
