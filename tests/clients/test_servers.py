"""Segment's clients for servers, unmodified, against a real daemon: what the store holds afterwards."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.clients.shop import Shop

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
VISITOR = "507f191e-810c-4197-8de8-60ea0b5e9d1a"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLIENT_S = 90


def started(shop: Shop, *command: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*command, shop.daemon.url, shop.api_token, VISITOR],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(client: "subprocess.Popen[str]") -> None:
    output, _ = client.communicate(timeout=CLIENT_S)
    assert client.returncode == 0, output


def check(shop: Shop, user: str, orders: int, library: str) -> None:
    events = shop.stored()
    kinds = Counter(event["source_label"] for event in events)
    assert kinds == dict.fromkeys(("identify", "pageview", "screen", "group", "alias"), 1) | {"Order Completed": orders}
    by_kind = {event["source_label"]: event for event in events}
    assert (by_kind["alias"]["user_id"], by_kind["alias"]["anonymous_id"]) == (user, VISITOR)
    assert by_kind["identify"]["anonymous_id"] == VISITOR
    assert by_kind["pageview"]["page_url"] == "https://shop.example/cart"
    assert by_kind["group"]["attrs"]["groupId"] == "acme"
    of_orders = {event["attrs"]["number"]: event for event in events if event["source_label"] == "Order Completed"}
    assert sorted(of_orders) == list(range(orders))
    for number, event in of_orders.items():
        assert (event["user_id"], event["anonymous_id"], event["user_agent"]) == (user, None, None)
        assert event["attrs"]["revenue"] == 19.99
        assert event["attrs"]["context"]["library"]["name"] == library
        assert (event["client_time"] or event["occurred_at"]).replace(tzinfo=UTC) == NOON + timedelta(seconds=number)
        assert event["sent_at"]


def test_segments_client_for_node_delivers_every_call_once(shop: Shop, node_clients: Path) -> None:
    ended(started(shop, "node", str(node_clients / "segment_node.mjs")))
    check(shop, "ada", 40, "@segment/analytics-node")


def test_what_a_client_sends_while_the_daemon_is_away_arrives_once_it_is_back(shop: Shop, node_clients: Path) -> None:
    port = int(shop.daemon.url.rpartition(":")[2])
    shop.daemon.kill_tree()
    client = started(shop, "node", str(node_clients / "segment_node.mjs"))
    shop.daemon.start(port)
    ended(client)
    check(shop, "ada", 40, "@segment/analytics-node")


def test_segments_client_for_python_delivers_every_call_once(shop: Shop, python_clients: Path) -> None:
    ended(started(shop, sys.executable, str(HERE / "segment_python.py"), PYTHONPATH=str(python_clients)))
    check(shop, "bob", 25, "analytics-python")


@pytest.mark.parametrize("key", ["unknown", ""])
def test_a_client_with_a_wrong_key_is_told_so(shop: Shop, node_clients: Path, key: str) -> None:
    client = started(shop._replace(api_token=key), "node", str(node_clients / "segment_node.mjs"))
    output, _ = client.communicate(timeout=CLIENT_S)
    assert client.returncode == 1
    assert "401" in output or "writeKey is missing" in output
