"""The addresses whose events count in no statistics: of the site's own people, of monitoring."""

from collections import defaultdict
from collections.abc import Iterable

from collector.identity.origin import Address, Network


class Blocked:
    """A set of addresses; a look takes as long as there are lengths of prefixes, however many networks there are."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._by_prefix: dict[tuple[int, int], set[int]] = defaultdict(set)
        for network in networks:
            free_bits = network.max_prefixlen - network.prefixlen
            self._by_prefix[network.version, free_bits].add(int(network.network_address) >> free_bits)

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        return any(
            version == address.version and number >> free_bits in prefixes
            for (version, free_bits), prefixes in self._by_prefix.items()
        )
