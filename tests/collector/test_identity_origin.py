"""Where requests come from: their own address, or what trusted proxies say."""

import ipaddress

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from collector.identity.origin import Origins
from collector.tracking.visitor import known

TRUSTED = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "fd00::/8"))

FORWARDED = [
    ("192.0.2.1", [], "192.0.2.1"),
    ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
    ("127.0.0.1", [], "127.0.0.1"),
    ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    ("127.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
    ("127.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
    ("127.0.0.1", ["1.1.1.1, 203.0.113.9, 10.0.0.7"], "203.0.113.9"),
    ("127.0.0.1", ["10.0.0.8, 10.0.0.7"], "10.0.0.8"),
    ("127.0.0.1", ["not an address"], "127.0.0.1"),
    ("127.0.0.1", ["203.0.113.9, not an address, 10.0.0.7"], "10.0.0.7"),
    ("127.0.0.1", [""], "127.0.0.1"),
    ("127.0.0.1", ["203.0.113.9:8080"], "127.0.0.1"),
    ("127.0.0.1", [",".join(["10.0.0.1"] * 5000)], "10.0.0.1"),
    ("::ffff:127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
    ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
    ("", ["203.0.113.9"], ""),
]


@pytest.mark.parametrize(("remote", "forwarded", "peer"), FORWARDED)
def test_b8_the_right_most_address_that_is_not_trusted_counts(remote: str, forwarded: list[str], peer: str) -> None:
    headers = CIMultiDict(("X-Forwarded-For", value) for value in forwarded)
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    assert Origins(TRUSTED, known).of(request).peer == peer


@pytest.mark.parametrize(
    ("peer", "limited_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_an_ipv6_customer_is_one_for_limits_whatever_its_address(peer: str, limited_as: str) -> None:
    request = make_mocked_request("GET", "/").clone(remote=peer)
    assert Origins((), known).of(request).limited_as == limited_as


def test_a_long_user_agent_is_cut() -> None:
    request = make_mocked_request("GET", "/", headers={"User-Agent": "x" * 10_000})
    assert Origins((), known).of(request).user_agent == "x" * 256
