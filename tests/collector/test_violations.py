"""Event definitions: which events break theirs, where, and by which code."""

import pytest
from msgspec.structs import replace

from collector.tracking.definitions import READY_MAX, Definitions, ReadyDefinitions
from collector.tracking.visitor import SITE
from storage.app import AttrDefinition, AttrType, EventDefinition

UUID = "0b7e3c9e-31c5-4f3e-9d3c-5a1f0c6d2e11"
TYPES: tuple[AttrType, ...] = ("string", "integer", "number", "boolean", "datetime")
EVERY = EventDefinition(f"weighed-{UUID}", "Weighed!", tuple(AttrDefinition(f"a_{one}", one) for one in TYPES))
LABELS = ("Weighed!", "weighed", f"weighed-{UUID}")

OF_TYPE: dict[AttrType, list[object]] = {
    "string": ["", "a", "7", "null", "\x00", "ё" * 1000],
    "integer": [0, -1, 7, 2**63 - 1, -(2**63)],
    "number": [0, -1, 7, 0.5, -1e300, 2**64],
    "boolean": [True, False],
    "datetime": ["2018-04-10 12:09:07", "2018-04-10T12:09:07Z", "2018-04-10T14:09:07.5+02:00"],
}
OF_NONE: dict[AttrType, list[object]] = {
    "string": [7, 0.5, True, [], {}, ["a"], {"a": "b"}],
    "integer": ["7", "", 7.0, 7.5, True, [7], {}, 2**63, -(2**63) - 1],
    "number": ["7", "0.5", True, [0.5], {}],
    "boolean": [0, 1, "true", "", [], {}],
    "datetime": [1523362147, "soon", "", "2018-04-10", "12:09:07", "2018-13-10 12:09:07", True, [], {}],
}


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("kind", TYPES)
def test_a_value_of_the_type_is_none_whichever_way_the_event_is_named(kind: AttrType, label: str):
    for value in (*OF_TYPE[kind], None):
        assert Definitions([EVERY]).violation(label, {f"a_{kind}": value}) is None


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_of_another_type_is_named_with_the_type_that_it_should_have(kind: AttrType):
    for value in OF_NONE[kind]:
        found = Definitions([EVERY]).violation("Weighed!", {"a_string": "a", f"a_{kind}": value})
        assert found is not None, value
        assert (found.path, found.code) == (f"$.attrs.a_{kind}", "attr_type_wrong")
        assert kind in found.message


@pytest.mark.parametrize("attrs", [None, {}, {"a_string": None}, {"claimed_id_user": "7"}])
def test_attrs_may_be_left_out_and_the_doors_own_is_nobodys(attrs: dict[str, object] | None):
    assert Definitions([EVERY]).violation("weighed", attrs) is None


@pytest.mark.parametrize("label", ["", "WEIGHED", "weighed-", "Weighed", UUID, f"-{UUID}", "pageview", "weighed "])
def test_an_event_of_another_name_is_undefined(label: str):
    found = Definitions([EVERY]).violation(label, None)
    assert found is not None
    assert (found.path, found.code) == ("$.source_label", "event_undefined")


@pytest.mark.parametrize("name", ["size", "A_string", "a_string ", "", "source_label", "attrs", "position"])
def test_an_attr_of_another_name_is_undefined(name: str):
    found = Definitions([EVERY]).violation("weighed", {"a_string": "a", name: None})
    assert found is not None
    assert (found.path, found.code) == (f"$.attrs.{name}", "attr_undefined")


def test_a_long_name_is_shown_by_its_beginning():
    found = Definitions([EVERY]).violation("weighed", {"x" * 30_000: 1})
    assert found is not None
    assert found.path == "$.attrs." + "x" * 64


def test_of_two_that_a_label_could_mean_its_code_comes_first_then_the_name_and_a_shared_slug_means_none():
    integer, text = (AttrDefinition("x", "integer"),), (AttrDefinition("x", "string"),)
    first = EventDefinition(f"event-{UUID}", "ё", integer)
    second = EventDefinition(f"event-{UUID[:-1]}2", "ж", text)
    named = EventDefinition(f"a-{UUID}", f"event-{UUID}", text)
    found = Definitions([first, second, named])
    assert found.violation(first.event_code, {"x": 1}) is None
    assert found.violation("ж", {"x": "1"}) is None
    assert found.violation("event", {}) is not None
    assert Definitions([first, replace(named, name="event")]).violation("event", {"x": "1"}) is None


def test_what_changes_is_made_ready_again_and_what_does_not_is_not():
    ready = ReadyDefinitions()
    app = replace(SITE, definitions=(EVERY,))
    assert ready.of(app) is ready.of(replace(app, mode="warn"))
    changed = ready.of(replace(app, definitions=(replace(EVERY, attrs=()),)))
    assert changed.violation("weighed", {"a_string": "a"}) is not None
    assert ready.of(app).violation("weighed", {"a_string": "a"}) is None


def test_no_more_than_so_many_applications_are_ready():
    ready = ReadyDefinitions()
    apps = [replace(SITE, app_code=f"a{number}", definitions=(EVERY,)) for number in range(READY_MAX + 1)]
    first = ready.of(apps[0])
    assert all(ready.of(app) is ready.of(app) for app in apps)
    assert ready.of(apps[0]) is not first
