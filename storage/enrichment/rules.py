"""The rules by which stored events are enriched, as one value with its version."""

import importlib.metadata
from collections.abc import Callable
from typing import NamedTuple

from storage.enrichment.agent import Agent, agent_of
from storage.enrichment.arrival import Arrival, Landing, arrival_of

OWN_VERSION = 1
"""Of what this package says itself; raised with every change of a rule or a list."""

LISTS = ("ua-parser-builtins", "crawler-user-agents")


class Rules(NamedTuple):
    """`version` is another one whenever something may be derived otherwise."""

    version: str
    agent_of: Callable[[str], Agent]
    arrival_of: Callable[[Landing], Arrival]


def rules() -> Rules:
    """Return the rules of this program and of the lists that are installed with it."""
    versions = [importlib.metadata.version(name) for name in LISTS]
    return Rules("+".join([str(OWN_VERSION), *versions]), agent_of, arrival_of)
