"""How somebody came to a page: source, channel and campaign, derived of a landing."""

from typing import NamedTuple

from storage.enrichment.channels import Channel, Traffic, channel_of
from storage.enrichment.landing import CLICKS, Landing
from storage.enrichment.sources import Kind, is_spam, source_named, source_of_host


class Arrival(NamedTuple):
    """What is derived of one landing; `source` is None where nobody sent the visitor."""

    source: str | None
    channel: Channel
    is_spam: bool
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None


def arrival_of(landing: Landing) -> Arrival:
    """Return whom the link names as its source, else the network that a click is of, else whose the referrer is."""
    source, kind = _source(landing)
    network, is_paid = CLICKS.get(landing.click or "", (None, False))
    traffic = Traffic(
        is_tagged=landing.utm_source is not None or landing.utm_medium is not None or network is not None,
        has_referrer=landing.referrer_host is not None,
        kind=kind,
        medium=landing.utm_medium or "",
        campaign=(landing.utm_campaign or "").lower(),
        is_paid_click=is_paid,
    )
    return Arrival(
        source=source,
        channel=channel_of(traffic),
        is_spam=is_spam(landing.referrer_host or ""),
        utm_source=landing.utm_source,
        utm_medium=landing.utm_medium,
        utm_campaign=landing.utm_campaign,
        utm_term=landing.utm_term,
        utm_content=landing.utm_content,
    )


def _source(landing: Landing) -> tuple[str | None, Kind | None]:
    if landing.utm_source is not None:
        return source_named(landing.utm_source)
    if landing.click is not None:
        return source_named(CLICKS[landing.click][0])
    if landing.referrer_host is not None:
        return source_of_host(landing.referrer_host)
    return None, None
