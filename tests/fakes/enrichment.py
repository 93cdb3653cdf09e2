"""What is derived of an event, in plain Python: the rules are the real ones, what they are given is told apart anew."""

import re
from urllib.parse import parse_qsl, urlsplit

from storage.enrichment.agent import Agent, agent_of
from storage.enrichment.arrival import Arrival, arrival_of
from storage.enrichment.landing import CLICKS, Landing
from storage.event import Event


def agent(event: Event) -> Agent | None:
    return agent_of(event.user_agent) if event.user_agent else None


def arrival(event: Event) -> Arrival:
    came_from, landed_on = _host(event.referrer), _host(event.page_url)
    sent = dict(parse_qsl(urlsplit(event.page_url or "").query))
    members = {name: sent.get(name) for name in Landing._fields if name.startswith("utm_")}
    click = next((name for name in sent if name in CLICKS), None)
    return arrival_of(Landing(None if came_from == landed_on else came_from, **members, click=click))


def filtered(event: Event) -> str | None:
    if event.filtered is not None:
        return event.filtered
    told = agent(event)
    if told is not None and told.bot is not None:
        return "bot"
    return "referrer_spam" if arrival(event).is_spam else None


def _host(url: str | None) -> str | None:
    found = re.match(r"[a-z][a-z0-9+.-]*://([^/?#]*)", (url or "").lower())
    if found is None:
        return None
    authority = found[1].rpartition("@")[2]
    host = authority.partition("]")[0] + "]" if authority.startswith("[") else authority.partition(":")[0]
    return host.removeprefix("www.") or None
