"""Which user agents are crawlers: the list of crawler-user-agents, and a rule for those that name themselves."""

import functools
import re

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from ua_parser_rs import UserAgentExtractor

NAME_CHARS_MAX = 64

LIBRARIES = "http-library"
"""Programs are no crawlers for how they speak HTTP: devices, servers and public clients send events with them."""

SELF_NAMED = re.compile(r"\b[\w.-]{0,40}(?:bot|crawler|spider)\b", re.ASCII | re.IGNORECASE)
"""What is not in the list, and calls itself by one of these words."""

NO_CRAWLERS = frozenset({"cubot"})
"""A maker of telephones."""


def crawler_of(user_agent: str) -> str | None:
    """Return the name under which a crawler is known, as it stands in the text; None of anybody else."""
    listed = _listed().extract(user_agent)
    if listed is not None:
        return listed.family.strip(" /;(+:")[:NAME_CHARS_MAX] or LIBRARIES
    names = (found.group() for found in SELF_NAMED.finditer(user_agent))
    return next((name for name in names if name.lower() not in NO_CRAWLERS), None)


@functools.cache
def _listed() -> UserAgentExtractor:
    """Compile the list: without a replacement the extractor answers the text of the first group."""
    patterns = (one["pattern"] for one in CRAWLER_USER_AGENTS_DATA if LIBRARIES not in one["tags"])
    return UserAgentExtractor([(f"({pattern})", None, None, None, None, None) for pattern in patterns])
