"""The table of routes and what is made of it: rows that leave something unsaid, and the OpenAPI document."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from collector.administration.openapi import document
from collector.answers import json_answer
from collector.app import build_app
from collector.routes import Answer, Bodyless, JsonBody, QueryString, Route, Taking, gaps
from collector.statistics import table as statistics
from collector.wire.body import decode
from collector.wire.statistics import SummaryParameters
from tests.fakes.apps import MemoryApps
from tests.fakes.store import MemoryStore

ANSWERS = {200: Answer(dict)}


class Thing(msgspec.Struct):
    name: str


_thing = msgspec.json.Decoder(Thing)
THING = JsonBody(lambda raw: decode(raw, _thing), Thing)


async def show(_: web.Request) -> web.Response:
    """Show a thing.

    Longer words follow.
    """
    return json_answer({})


async def take(_: web.Request, thing: Thing) -> web.Response:
    """Take a thing."""
    return json_answer({"name": thing.name})


async def wordless(_: web.Request) -> web.Response:
    return json_answer({})


async def nobody(_: web.Request) -> None:
    return None


@pytest.mark.parametrize(
    ("route", "gap"),
    [
        (Route("POST", "/thing", show, "anyone", ANSWERS), "no body shape"),
        (Route("PUT", "/thing", show, "anyone", ANSWERS), "no body shape"),
        (Route("GET", "/thing", show, "anyone", {}), "no answer shape"),
        (Route("GET", "/thing", wordless, "anyone", ANSWERS), "no docstring"),
    ],
)
def test_a_row_that_leaves_something_unsaid_makes_no_application(route: Route, gap: str):
    assert [one for one in gaps(route) if one.startswith(gap)]
    with pytest.raises(AssertionError, match=gap):
        build_app([route], nobody, body_bytes_max=1000)


@pytest.mark.parametrize("left_out", ["who", "answers", "handler"])
def test_a_row_without_one_of_its_parts_is_none(left_out: str):
    parts = {"method": "GET", "path": "/thing", "handler": show, "who": "anyone", "answers": ANSWERS}
    del parts[left_out]
    with pytest.raises(TypeError, match=left_out):
        Route(**parts)


@pytest.mark.parametrize(
    "route",
    [
        Route("GET", "/thing", show, "anyone", ANSWERS),
        Route("POST", "/thing", Taking(THING, take), "user", ANSWERS),
        Route("POST", "/thing", Bodyless(show), "user", {204: Answer()}),
    ],
)
def test_a_whole_row_has_no_gaps(route: Route):
    assert gaps(route) == []


async def test_a_handler_gets_what_the_table_says_and_nothing_else(aiohttp_client):
    routes = [Route("POST", "/thing", Taking(THING, take), "anyone", ANSWERS)]
    client = await aiohttp_client(build_app(routes, nobody, body_bytes_max=1000))
    answer = await client.post("/thing", json={"name": "a"})
    assert (answer.status, await answer.json()) == (200, {"name": "a"})
    for body, status in (({"name": 7}, 422), ({}, 422)):
        assert (await client.post("/thing", json=body)).status == status
    assert (await client.post("/thing", data=b"{", headers={"Content-Type": "application/json"})).status == 400
    assert (await client.post("/thing", data=b"name=a", headers={"Content-Type": "text/plain"})).status == 415


def test_the_document_says_what_the_row_says():
    routes = [
        Route("GET", "/thing/{name:.*}", show, "anyone", ANSWERS),
        Route("POST", "/thing", Taking(JsonBody(bytes, Thing, is_open=True, items_max=9), take), "analyst", ANSWERS),
        Route("GET", "/sum", Taking(QueryString(SummaryParameters), take), "user", {204: Answer()}),
    ]
    made = json.loads(json.dumps(document(routes, version="1.2.3")))
    OpenAPIV31SpecValidator(made).validate()
    shown, taken, summed = made["paths"]["/thing/{name}"]["get"], made["paths"]["/thing"]["post"], made["paths"]["/sum"]
    assert (shown["summary"], shown["x-role"]) == ("Show a thing", "anyone")
    assert shown["description"] == "Longer words follow.\n\nWho may call: anyone."
    assert shown["security"] == [{}, {"bearer": []}]
    assert [(one["name"], one["in"], one["required"]) for one in shown["parameters"]] == [("name", "path", True)]
    assert (taken["security"], taken["x-role"]) == ([{"bearer": []}], "analyst")
    thing = made["components"]["schemas"]["Thing"] | {"additionalProperties": True}
    schema = taken["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"oneOf": [thing, {"type": "array", "items": thing, "minItems": 1, "maxItems": 9}]}
    names = {one["name"] for one in summed["get"]["parameters"]}
    assert names == {"app_code", "user_id", "page_url", "from", "to", "limit"}
    assert summed["get"]["responses"]["204"] == {"description": "done"}


def codes(operation: dict[str, object]) -> dict[str, set[str]]:
    """Return the codes that are written at each status of a problem."""
    said = {status: answer["description"] for status, answer in operation["responses"].items() if status[0] == "4"}
    return {status: set(re.findall(r"`(\w+)`", words)) for status, words in said.items()}


BODY = {
    "400": {"body_malformed"},
    "408": {"body_too_slow"},
    "413": {"body_too_large"},
    "415": {"content_type_unsupported"},
    "422": {"body_invalid"},
}
TOKEN = {"400": {"authorization_repeated"}, "401": {"token_missing", "invalid_token"}}


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (Route("GET", "/a", show, "anyone", ANSWERS), {}),
        (Route("GET", "/a", show, "user", ANSWERS), TOKEN),
        (Route("GET", "/a", show, "analyst", ANSWERS), TOKEN | {"403": {"insufficient_scope"}}),
        (
            Route("GET", "/a", Taking(QueryString(SummaryParameters), take), "anyone", ANSWERS),
            {"422": {"query_invalid"}},
        ),
        (Route("POST", "/a", Taking(THING, take), "anyone", ANSWERS), BODY),
        (
            Route("POST", "/a", Taking(THING, take), "admin", ANSWERS),
            BODY | TOKEN | {"400": {"body_malformed", "authorization_repeated"}, "403": {"insufficient_scope"}},
        ),
    ],
)
def test_an_operation_names_the_problems_that_every_route_of_its_form_has(route: Route, expected: dict[str, set[str]]):
    operation = document([route], version="0")["paths"]["/a"][route.method.lower()]
    assert codes(operation) == expected
    assert {"200", "default"} <= operation["responses"].keys()


class Search(msgspec.Struct):
    word: str
    near: str | int | None = None
    since: str | None = None


def test_a_parameter_is_left_out_or_has_a_value_and_is_never_null():
    route = Route("GET", "/a", Taking(QueryString(Search), take), "anyone", ANSWERS)
    parameters = document([route], version="0")["paths"]["/a"]["get"]["parameters"]
    assert [(one["name"], one["required"], one["schema"]) for one in parameters] == [
        ("word", True, {"type": "string"}),
        ("near", False, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ("since", False, {"type": "string"}),
    ]


def test_two_shapes_of_one_name_make_no_document():
    other = msgspec.defstruct("Thing", [("size", int)])
    routes = [Route("GET", f"/{shape.__name__}", show, "anyone", {200: Answer(shape)}) for shape in (Thing, other)]
    with pytest.raises(AssertionError, match="Thing"):
        document(routes, version="0")


def test_the_statistics_are_a_valid_document():
    routes = statistics.routes(MemoryStore(), MemoryApps(), lambda: None, lambda: 0.0)
    OpenAPIV31SpecValidator(json.loads(json.dumps(document(routes, version="0")))).validate()


def test_the_files_of_the_page_are_part_of_the_package():
    directory = Path(__file__).parents[2] / "collector" / "administration" / "swagger"
    named = {path.name for path in directory.iterdir()}
    assert {"docs.html", "docs.js", "swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"} <= named
