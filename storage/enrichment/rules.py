"""The rules by which stored events are enriched, as one value with its version."""

import importlib.metadata
from collections.abc import Callable
from typing import NamedTuple

from storage.enrichment.agent import Agent, agent_of
from storage.enrichment.arrival import Arrival, arrival_of
from storage.enrichment.landing import Landing

OWN_VERSION = 1
"""Of what this package says itself; raised with every change of a rule or a list."""

LISTS = ("ua-parser-builtins", "crawler-user-agents")


class Rules(NamedTuple):
    """`version` is another one whenever something may be derived otherwise."""

    version: str
    agent_of: Callable[[str], Agent]
    arrival_of: Callable[[Landing], Arrival]


RULES = Rules("+".join([str(OWN_VERSION), *(importlib.metadata.version(name) for name in LISTS)]), agent_of, arrival_of)
"""The rules of this program, with the lists that are installed."""
