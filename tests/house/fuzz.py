"""What schemathesis is told beyond the daemon's own document: whose token a case sends, and which refusals are right.

Its command line imports this (test_fuzz.py says how); FUZZ_ROLE is the role that asks, of a user whom the test has made.
"""

import functools
import json
import os
import re
import uuid
from typing import Any

import msgspec
import requests
import schemathesis
from schemathesis import AuthContext, Case, HookContext, SerializationContext
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response

from tests.house.daemon import PASSWORD
from tests.house.people import NICKNAMES

ANSWER_S = 20.0
ROLE = os.environ.get("FUZZ_ROLE", "anyone")

REFUSED_GOOD, TAKEN_BAD = "ST202", "ST201"
"""Codes of schemathesis for a request that the document calls good, or bad, and the daemon does not."""
WITHOUT_TOKEN, METHOD_TAKEN, ALLOW = "ST203", "ST204", "ST205"
"""Its codes for an answer other than 401 to a request without a token, for one other than 405 to a method that the
document has not, and for an Allow that it has not."""

LIE_BELOW = ("/app/create", "/app/{app_code}/token/rotate")
"""R1's paths that another route's parameter takes as well: its methods are allowed there, too."""

RIGHTLY_REFUSED = {
    "app_name_taken": "two applications of a user have two names",
    "missing domain": "an event of Plausible's without a domain has a url with a host",
    "app_unknown": "an app_code is one of those that exist",
    "repeated name": "nor have two event definitions, or two attrs, one name",
    "wrong_value user_id": "one of user_id and anonymous_id says who is meant, and a schema does not say that",
    "wrong_value expires_at": "a token ends in the future",
    "cursor_invalid": "a cursor is the `next` of an answer to the same question",
    "precondition_failed": "an ETag is that of what is there now",
    "precondition_required": "an empty If-Match is none",
    **dict.fromkeys(
        ("int_type age", "wrong_type id_user", "wrong_type user_id", "wrong_type limit", "wrong_type name"),
        "JSON Schema takes 20.0 for an integer",
    ),
    "invisible_character": "two nicknames that look alike are one",
    "signin_name_needed": "a user keeps a nickname or an e-mail, which one it has",
    "password_too_short": "the least length is a setting",
    "password_common": "a schema holds no list of 16,285 passwords",
    "password_context": "nor does it compare a password with the other members",
    **dict.fromkeys(
        [f"wrong_value {name}" for name in ("date_created", "sent_at", "sentAt", "timestamp", "from", "to", "range")],
        "a time may be without T and without a zone, for which JSON Schema has no format; `to` is not before `from`",
    ),
    "wrong_value cursor": "a cursor is the `next` of an answer to the same question",
    "wrong_value order": "the order names a dimension that is asked for",
}
"""What the document calls good and cannot say, by the code of the member, with its name where the code says too little."""

SHARED: dict[str, str] = {}
"""The token of the role, until it is refused."""


schemathesis.serializer.alias("text/plain", "application/json")


@schemathesis.serializer("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")
def msgpack(_: SerializationContext, value: object) -> bytes:
    """Return the value packed; an integer that has no form there goes as a float."""
    return msgspec.msgpack.encode(json.loads(json.dumps(value), parse_int=small))


def small(digits: str) -> int | float:
    return int(digits) if -(2**63) <= int(digits) < 2**64 else float(digits)


def posted(url: str, path: str, body: dict[str, object]) -> dict[str, Any]:
    answer = requests.post(f"{url.rstrip('/')}{path}", json=body, timeout=ANSWER_S)
    answer.raise_for_status()
    return dict(answer.json())


def somebody_new(case: Case) -> dict[str, Any]:
    person = {"firstname": "F", "lastname": "F", "age": 33, "password": PASSWORD}
    return posted(case.operation.base_url, "/auth/signup", {"nickname": uuid.uuid4().hex, **person})


def signed_in(url: str, role: str) -> dict[str, Any]:
    return posted(url, "/auth/signin", {"nickname": NICKNAMES[role], "password": PASSWORD})


@functools.cache
def asking(url: str) -> set[str]:
    """Return the ids of those who ask."""
    return {signed_in(url, role)["user"]["user_id"] for role in NICKNAMES}


def changes_its_caller(operation: str) -> bool:
    """Return whether who asks is another afterwards, or signed out: that must be a user made for the one case."""
    method, _, path = operation.partition(" ")
    return path.startswith("/auth/") and (method != "GET" or path == "/auth/refresh")


@schemathesis.auth(refresh_interval=None)
class Tokens:
    """Gives every case of the role a token that is good when it is sent."""

    def get(self, case: Case, context: AuthContext) -> str | None:
        if ROLE == "anyone":
            return None
        if changes_its_caller(context.operation.label):
            return str(somebody_new(case)["jwt_token"])
        if ROLE not in SHARED:
            SHARED[ROLE] = str(signed_in(case.operation.base_url, ROLE)["jwt_token"])
        return SHARED[ROLE]

    def set(self, case: Case, token: str, _: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {token}"


def made_app(case: Case) -> str:
    """Return an application of whoever asks, made for this case; what the case names where it may have no more."""
    headers = {"Authorization": f"Bearer {signed_in(case.operation.base_url, ROLE)['jwt_token']}"}
    url = f"{case.operation.base_url.rstrip('/')}/app/create"
    answer = requests.post(url, json={"app_name": uuid.uuid4().hex}, headers=headers, timeout=ANSWER_S)
    return str(answer.json().get("app_code", case.path_parameters["app_code"]))


@schemathesis.hook
def map_case(_: HookContext, case: Case) -> Case:
    """Let every other case about a user or an application be about one that there is, made for it: it may end erased."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    if len(str(case.path_parameters.get("user_id", ""))) % 2:
        case.path_parameters["user_id"] = somebody_new(case)["user"]["user_id"]
    if len(str(case.path_parameters.get("app_code", ""))) % 2 and ROLE != "anyone":
        case.path_parameters["app_code"] = made_app(case)
    return case


@schemathesis.hook
def before_call(_: HookContext, case: Case, __: dict[str, Any]) -> None:
    """Let nobody who asks be blocked, demoted or erased: schemathesis tries the ids that it was answered, too."""
    if case.path_parameters.get("user_id") in asking(case.operation.base_url):
        case.path_parameters["user_id"] = somebody_new(case)["user"]["user_id"]


@schemathesis.hook
def after_call(_: HookContext, case: Case, response: Response) -> None:
    sent = response.request.headers.get("Authorization", "")
    if response.status_code == 401 and sent == f"Bearer {SHARED.get(ROLE)}":
        del SHARED[ROLE]


@schemathesis.hook
def filter_failure(_: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Return whether the failure is one; what schemathesis calls one and the contract wants is none."""
    return not (
        is_of_another_row(failure, case)
        or is_passing(response)
        or is_rightly_refused(failure, response)
        or is_told_item_by_item(failure, case, response)
        or is_as_r1_wants(failure, case, response)
    )


def is_of_another_row(failure: Failure, case: Case) -> bool:
    """Return whether the path is also a receipt of GET /admin/rejected/{receipt}, whose method is allowed there, too."""
    return failure.code in {METHOD_TAKEN, ALLOW} and case.operation.path == "/admin/rejected/replay"


def is_passing(response: Response) -> bool:
    """Return whether an erasure by an administrator was in the way: it opens DuckDB's file anew and ends questions."""
    return (
        response.status_code == 503
        and "retry-after" in response.headers
        and json.loads(response.content)["code"] == "store_down"
    )


def is_rightly_refused(failure: Failure, response: Response) -> bool:
    if failure.code != REFUSED_GOOD:
        return False
    if response.headers["content-type"] == ["image/gif"]:
        return True  # a picture does not say why
    problem = json.loads(response.content)
    errors: list[dict[str, str]] = problem.get("errors", [problem | {"path": ""}])
    return all({error["code"], f"{error['code']} {member(error['path'])}"} & RIGHTLY_REFUSED.keys() for error in errors)


def member(path: str) -> str:
    """Return the last name of a path, `order` of `$.order[0][0]`."""
    return re.sub(r"\[\d+\]", "", re.split(r"[.?/]", path)[-1])


def is_told_item_by_item(failure: Failure, case: Case, response: Response) -> bool:
    """Return whether an array with a bad item was taken, of whose items the answer tells, or bad calls of Segment's API.

    Those are kept as rejected, and answered as good ones are.
    """
    if failure.code == TAKEN_BAD and case.operation.label.startswith("POST /v1/"):
        return response.status_code == 200
    return (
        failure.code == TAKEN_BAD
        and case.operation.label == "POST /track"
        and isinstance(case.body, list)
        and response.status_code == 202
        and json.loads(response.content)["rejected"] > 0
    )


def is_as_r1_wants(failure: Failure, case: Case, response: Response) -> bool:
    """Return whether it is 403 below /app for want of a token, or an Allow of paths that lie below one another."""
    if failure.code == WITHOUT_TOKEN:
        return response.status_code == 403 and json.loads(response.content)["code"] == "not_authorized"
    return failure.code == ALLOW and case.operation.path in LIE_BELOW
