"""Whose a host is: search engines, social networks and the like by `sources.txt`, referrer spam by `spam.txt`."""

import functools
import importlib.resources
import re
from typing import Literal, NamedTuple

import msgspec

Kind = Literal["search", "social", "video", "shopping", "email", "ai"]

_COUNTRY = re.compile(r"(?:com?|net|org)?\.?[a-z]{2}|com")
"""What may stand for the star of a domain such as `google.*`: com, de, co.uk, com.br."""


class Sources(NamedTuple):
    """Sources with their kinds, by domain (`stars`: without its ending) and by the names that a utm_source may give."""

    domains: dict[str, tuple[str, Kind]]
    stars: dict[str, tuple[str, Kind]]
    names: dict[str, tuple[str, Kind]]


def source_of_host(host: str) -> tuple[str, Kind | None]:
    """Return the source that a referrer's host belongs to; one that nobody lists is a source of its own name."""
    labels = host.split(".")
    sources = _sources()
    for first in range(len(labels)):
        domain = ".".join(labels[first:])
        found = sources.domains.get(domain) or _starred(sources, labels[first], labels[first + 1 :])
        if found is not None:
            return found
    return host, None


def source_named(name: str) -> tuple[str, Kind | None]:
    """Return the source that a utm_source means: a name, or a host; one that nobody lists is a source of its own name."""
    return _sources().names.get(name) or source_of_host(name)


def is_spam(host: str) -> bool:
    """Return whether the host, or a domain that it is below, is known for referrer spam."""
    labels = host.split(".")
    return any(".".join(labels[first:]) in _spam() for first in range(len(labels)))


def _starred(sources: Sources, label: str, ending: list[str]) -> tuple[str, Kind] | None:
    found = sources.stars.get(label)
    return found if found is not None and _COUNTRY.fullmatch(".".join(ending)) else None


@functools.cache
def _sources() -> Sources:
    sources = Sources({}, {}, {})
    for line in _lines("sources.txt"):
        word, name, *others = line.split()
        source = (name, msgspec.convert(word, Kind))
        for one in (name, *others):
            if one.endswith(".*"):
                sources.stars[one.removesuffix(".*")] = source
            else:
                (sources.domains if "." in one else sources.names)[one] = source
    return sources


@functools.cache
def _spam() -> frozenset[str]:
    return frozenset(_lines("spam.txt"))


def _lines(name: str) -> list[str]:
    text = importlib.resources.files(__package__).joinpath(name).read_text(encoding="ascii")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
