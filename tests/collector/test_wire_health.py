"""What goes over the wire of health is what the log and the store say of themselves."""

import msgspec
import pytest

from collector.wire import health as wire
from storage.health import LogHealth, StoreHealth

LOG = LogHealth(
    log_id="1-a",
    accepting=True,
    reason=None,
    durable_offset=4,
    segment=0,
    segment_bytes=100,
    unflushed_bytes=0,
    groups=1,
    duplicates=0,
    rejected=0,
)


@pytest.mark.parametrize(("ours", "theirs"), [(wire.LogHealth, LogHealth), (wire.StoreHealth, StoreHealth)])
def test_every_field_goes_over_the_wire_under_its_own_name(ours, theirs):
    assert ours.__struct_fields__ == theirs.__struct_fields__


def test_strangers_are_told_the_status_only():
    assert msgspec.json.encode(wire.Health("ok")) == b'{"status":"ok"}'


def test_a_store_that_is_down_is_null():
    log = msgspec.convert(LOG, wire.LogHealth, from_attributes=True)
    raw = msgspec.json.encode(wire.Health("degraded", ["store_down"], log, None))
    assert msgspec.json.decode(raw) == {
        "status": "degraded",
        "reasons": ["store_down"],
        "log": msgspec.to_builtins(LOG),
        "store": None,
    }
    assert msgspec.json.decode(raw, type=wire.Health) == wire.Health("degraded", ["store_down"], log, None)


def test_the_version_of_what_nobody_built_has_no_commit():
    raw = msgspec.json.encode(wire.Version(wire.Build("0.1.0", None, None)))
    assert raw == b'{"server":{"version":"0.1.0","commit":null,"build_date":null}}'
