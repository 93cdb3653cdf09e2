"""The table of routes as an OpenAPI 3.1 document; pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import msgspec
from pydantic import BaseModel

from collector.answers import GIF
from collector.identity.caller import NotAuthorized, RoleInsufficient, TokenInvalid, TokenMissing
from collector.identity.errors import AuthorizationRepeated
from collector.preconditions import PreconditionFailed, PreconditionRequired
from collector.problems import status_and_code, title
from collector.routes import FOR_PAGES, Answer, Conditional, JsonBody, Pictured, Route, Takes, Who, first_step
from collector.wire import problem, receipt, segment
from collector.wire.body import FORM

VERSION = "3.1.0"
REFERENCE = "#/components/schemas/"
PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")

Schema = dict[str, object]

BEARER: Schema = {"bearer": []}
READ_TOKEN: Schema = {"read_token": []}
SECURITY: dict[Who, list[Schema]] = {"anyone": [{}, BEARER], "reader": [BEARER, READ_TOKEN]}
"""What other routes than those for users take; one for anyone may still read a token, and the page shall send it."""
NULL: Schema = {"type": "null"}
ENTITY_TAG = r'(W/)?"[!#-~]*"'
IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "pattern": rf"^(\*|{ENTITY_TAG}( *, *{ENTITY_TAG})*)$"},
}
"""RFC 9110, section 13.1.1."""

PATH_SCHEMAS: dict[str, Schema] = {
    "receipt": {"type": "string", "pattern": f"^{receipt.PATTERN}$"},
    "call": {"type": "string", "enum": sorted(segment.CALLS)},
}
"""What is known of a path parameter by its name; any other is some text."""

OF_ANY: dict[type, Schema] = {dict: {"type": "object"}, list: {"type": "array", "items": {"type": "object"}}}
"""Answers whose members have names that nobody knows before."""

TAGS = {
    "auth": "accounts",
    "app": "applications",
    **dict.fromkeys(FOR_PAGES, "tracking"),
    **dict.fromkeys(("stats", "query", "analytics", "live", "export"), "statistics"),
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
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "read_token": {"type": "apiKey", "in": "header", "name": "X-Api-Token"},
            },
        },
    }


def _operation(route: Route, components: Mapping[str, Schema]) -> Schema:
    summary, _, rest = (route.handler.__doc__ or "").strip().partition("\n")
    operation: Schema = {
        "operationId": _name(route),
        "summary": summary.rstrip("."),
        "description": f"{' '.join(rest.split())}\n\nWho may call: {route.who}.".strip(),
        "tags": [TAGS.get(first_step(route.path), "service")],
        "x-role": route.who,
        "responses": {str(status): _response(answer) for status, answer in route.answers.items()} | _problems(route),
        "security": SECURITY.get(route.who, [BEARER]),
    }
    headers = [IF_MATCH] if isinstance(route.handler, Conditional) else []
    if parameters := [*_path_parameters(route.path), *_query_parameters(route.takes, components), *headers]:
        operation["parameters"] = parameters
    if isinstance(route.takes, JsonBody):
        operation["requestBody"] = {"required": True, "content": _contents(route.takes, components)}
    return operation


def _name(route: Route) -> str:
    return re.sub(r"\W+", "_", route.method.lower() + PARAMETER.sub(r"\1", route.path)).strip("_")


def _response(answer: Answer) -> Schema:
    if answer.media is None:
        return {"description": "done"}
    schema = _any_of(answer.shapes) if answer.shapes else {"type": "string"}
    return {"description": "done", "content": {answer.media: {"schema": schema}}}


def _problems(route: Route) -> Schema:
    content: Schema = {problem.CONTENT_TYPE: {"schema": _reference(problem.Problem)}}
    if isinstance(route.handler, Pictured):
        content = {GIF: {}}
    codes: dict[int, list[str]] = defaultdict(list)
    for status, code in map(status_and_code, _errors(route)):
        codes[status].append(f"`{code}`")
    said = {str(status): f"{title(status)}: {', '.join(codes[status])}" for status in sorted(codes)}
    said["default"] = "any other problem (RFC 9457); `code` says which"
    return {status: {"description": words, "content": content} for status, words in said.items()}


def _errors(route: Route) -> Iterator[type[Exception]]:
    """Yield what every route of this form can refuse; what only its handler knows is left to the default answer."""
    if route.who != "anyone":
        yield AuthorizationRepeated
        yield from (NotAuthorized,) if route.forbids else (TokenMissing, TokenInvalid)
    if route.who in ("analyst", "admin"):
        yield RoleInsufficient
    if route.takes is not None:
        yield from route.takes.errors
    if isinstance(route.handler, Conditional):
        yield from (PreconditionFailed, PreconditionRequired)


def _contents(body: "JsonBody[object]", components: Mapping[str, Schema]) -> Schema:
    contents: Schema = {media: {"schema": _body(body, components)} for media in body.media if media != FORM}
    if FORM in body.media and (form := _form(components[body.shapes[0].__name__])):
        contents[FORM] = {"schema": form}
    return contents


def _form(component: Schema) -> Schema | None:
    """Return the schema of the same as a form, where no object stands and what has no name of ours is text.

    None: it needs a member that a form cannot have.
    """
    members = cast("dict[str, Schema]", component["properties"])
    flat = {name: _without_null(schema) for name, schema in members.items() if _is_flat(schema)}
    if not flat.keys() >= set(cast("list[str]", component.get("required", []))):
        return None
    return {**component, "properties": flat, "additionalProperties": {"type": "string"}}


def _is_flat(schema: Schema) -> bool:
    forms = cast("list[Schema]", schema.get("anyOf", [schema]))
    return all("enum" in form or form.get("type") in ("string", "integer", "number", "null") for form in forms)


def _body(body: "JsonBody[object]", components: Mapping[str, Schema]) -> Schema:
    one = _any_of(body.shapes)
    if body.is_open:
        (shape,) = body.shapes
        one = {**components[shape.__name__], "additionalProperties": True}  # these become attrs
    if body.items_max is None:
        return one
    return {"oneOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": body.items_max}]}


def _path_parameters(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATH_SCHEMAS.get(name, {"type": "string"})}
        for name in PARAMETER.findall(path)
    ]


def _query_parameters(takes: "Takes[object] | None", components: Mapping[str, Schema]) -> list[Schema]:
    if takes is None or isinstance(takes, JsonBody):
        return []
    (shape,) = takes.shapes
    component = components[shape.__name__]
    members = cast("dict[str, Schema]", component["properties"])
    required = cast("list[str]", component.get("required", []))
    return [_query_parameter(name, schema, required=name in required) for name, schema in members.items()]


def _query_parameter(name: str, schema: Schema, *, required: bool) -> Schema:
    sent = _without_null(schema)
    return {"name": name, "in": "query", "required": required, "schema": sent, "style": "form", "explode": False}


def _without_null(schema: Schema) -> Schema:
    """Return the schema of a parameter: nothing stands for null in a query string, it is left out."""
    forms = cast("list[Schema]", schema.get("anyOf", []))
    if NULL not in forms:
        return schema
    kept = [form for form in forms if form != NULL]
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


def _any_of(shapes: Iterable[type]) -> Schema:
    references = [_reference(shape) for shape in shapes]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _reference(shape: type) -> Schema:
    if shape in OF_ANY:
        return OF_ANY[shape]
    return {"$ref": f"{REFERENCE}{shape.__name__}"}


def _components(routes: Sequence[Route]) -> dict[str, Schema]:
    shapes: set[type] = {problem.Problem}
    for route in routes:
        shapes.update(route.takes.shapes if route.takes else (), *(answer.shapes for answer in route.answers.values()))
    ordered = sorted(shapes - OF_ANY.keys(), key=lambda shape: shape.__name__)
    models = [shape for shape in ordered if issubclass(shape, BaseModel)]
    structs = [shape for shape in ordered if not issubclass(shape, BaseModel)]
    # References go by the plain name, so it can stand for one shape only; msgspec would give two of a name longer ones.
    assert len({shape.__name__ for shape in ordered}) == len(ordered), ordered
    _, components = msgspec.json.schema_components(structs, schema_hook=_anything, ref_template=REFERENCE + "{name}")
    for model in models:
        schema = model.model_json_schema(ref_template=REFERENCE + "{model}")
        inner = {**schema.pop("$defs", {}), model.__name__: schema}
        assert all(components.get(name, one) == one for name, one in inner.items()), inner.keys()
        components |= inner
    return components


def _anything(kind: type) -> Schema:
    """Return the schema of the only type that msgspec has none for: the values of attrs."""
    if kind is not object:
        raise NotImplementedError(kind)
    return {"description": "any JSON"}
