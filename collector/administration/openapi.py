"""The table of routes as an OpenAPI 3.1 document; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec
from pydantic import BaseModel

from collector.routes import JSON, Answer, JsonBody, Route, Takes
from collector.wire import problem

VERSION = "3.1.0"
REFERENCE = "#/components/schemas/"
PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")

Schema = dict[str, object]

TAGS = {
    "auth": "accounts",
    **dict.fromkeys(("track", "visits", "pages"), "tracking"),
    **dict.fromkeys(("stats", "query", "live", "export"), "statistics"),
}
"""The group of a route by the first step of its path; every other one is about the service."""


def document(routes: Sequence[Route], *, version: str) -> Schema:
    """Return the document of a table; every shape is a component, and every row an operation."""
    components = _components(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        path = PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, components)
    return {
        "openapi": VERSION,
        "info": {"title": "Footfall", "version": version, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, components: Mapping[str, Schema]) -> Schema:
    summary, _, rest = (route.handler.__doc__ or "").strip().partition("\n")
    operation: Schema = {
        "operationId": _name(route),
        "summary": summary.rstrip("."),
        "description": f"{' '.join(rest.split())}\n\nWho may call: {route.who}.".strip(),
        "tags": [TAGS.get(route.path.split("/")[1], "service")],
        "x-role": route.who,
        "responses": {str(status): _response(answer) for status, answer in route.answers.items()} | _problems(),
    }
    if route.who != "anyone":
        operation["security"] = [{"bearer": []}]
    if parameters := [*_path_parameters(route.path), *_query_parameters(route.takes, components)]:
        operation["parameters"] = parameters
    if isinstance(route.takes, JsonBody):
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _body(route.takes, components)}}}
    return operation


def _name(route: Route) -> str:
    return re.sub(r"\W+", "_", route.method.lower() + PARAMETER.sub(r"\1", route.path)).strip("_")


def _response(answer: Answer) -> Schema:
    if answer.media is None:
        return {"description": "done"}
    schema = _any_of(answer.shapes) if answer.shapes else {"type": "string"}
    return {"description": "done", "content": {answer.media: {"schema": schema}}}


def _problems() -> Schema:
    content = {problem.CONTENT_TYPE: {"schema": _reference(problem.Problem)}}
    return {"default": {"description": "a problem (RFC 9457): `code` says which", "content": content}}


def _body(body: "JsonBody[object]", components: Mapping[str, Schema]) -> Schema:
    one = _any_of(body.shapes)
    if body.is_open:
        (shape,) = body.shapes
        one = {**components[shape.__name__], "additionalProperties": True}  # these become attrs
    return {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]} if body.many else one


def _path_parameters(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in PARAMETER.findall(path)
    ]


def _query_parameters(takes: "Takes[object] | None", components: Mapping[str, Schema]) -> list[Schema]:
    if takes is None or isinstance(takes, JsonBody):
        return []
    (shape,) = takes.shapes
    members = cast("dict[str, Schema]", components[shape.__name__]["properties"])
    return [_query_parameter(name, schema) for name, schema in members.items()]


def _query_parameter(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "style": "form", "explode": False}


def _any_of(shapes: Iterable[type]) -> Schema:
    references = [_reference(shape) for shape in shapes]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _reference(shape: type) -> Schema:
    if shape is dict:
        return {"type": "object"}
    return {"$ref": f"{REFERENCE}{shape.__name__}"}


def _components(routes: Sequence[Route]) -> dict[str, Schema]:
    shapes: set[type] = {problem.Problem}
    for route in routes:
        shapes.update(route.takes.shapes if route.takes else (), *(answer.shapes for answer in route.answers.values()))
    ordered = sorted(shapes - {dict}, key=lambda shape: shape.__name__)
    models = [shape for shape in ordered if issubclass(shape, BaseModel)]
    structs = [shape for shape in ordered if not issubclass(shape, BaseModel)]
    _, components = msgspec.json.schema_components(structs, schema_hook=_anything, ref_template=REFERENCE + "{name}")
    for model in models:
        schema = model.model_json_schema(ref_template=REFERENCE + "{model}")
        components |= schema.pop("$defs", {})
        components[model.__name__] = schema
    return components


def _anything(kind: type) -> Schema:
    """Return the schema of the only type that msgspec has none for: the values of attrs."""
    if kind is not object:
        raise NotImplementedError(kind)
    return {"description": "any JSON"}
