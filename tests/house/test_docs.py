"""The docs beside the code: what is served, refused, limited or logged and not written down fails here."""

import argparse
import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel

import collector.__main__
import collector.wire
from collector import commands
from collector.identity.errors import NameTaken
from collector.problems import TABLE
from collector.wire import apps, health, people, problem, query, segment, statistics, tracking
from collector.wire.accounts import EmailSignup, NicknameSignup, OwnSessions, Profile, Refreshed, SignedIn, Signin
from collector.wire.audit import AuditReport, AuthEventsAnswer
from collector.wire.device import DeviceMessage
from collector.wire.keys import KeySet
from collector.wire.otp import OtpSetup, RecoveryCodes
from collector.wire.plausible import PlausibleEvent
from collector.wire.profile import OwnErasure, OwnExport, ProfilePatch
from collector.wire.receipt import ReceiptReport
from collector.wire.rejected import RejectedAnswer, RejectedReport, ReplayedPage
from collector.wire.users import RoleBody, UserReport, UsersAnswer
from console import arguments
from storage.event import Event, RejectedItem, encode
from storage.wal.segment import segment_name
from storage.wal.writer import Group, SegmentWriter

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])
TREES = [
    ast.parse(path.read_text(encoding="utf-8"))
    for room in ("collector", "storage")
    for path in ROOT.glob(f"{room}/**/*.py")
]
HTTP_API, OPERATING, LOG_FORMAT = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("http-api", "operating", "log-format")
)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(*names: str) -> Iterator[list[object]]:
    """Yield the arguments of every call of these functions; what is no constant is None."""
    for tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                yield [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]


def test_every_route_stands_in_the_api_page_with_who_may_call() -> None:
    served = {(f"{method} {path}", who) for method, path, _, who, _ in calls("Route")}
    assert len(served) > 10
    assert set(re.findall(r"^\| \[`(\w+ /[^`]*)`\]\([^)]*\) \| (\w+) \|", HTTP_API, re.MULTILINE)) == served
    assert sorted(re.findall(r"^### `(\w+ /[^`]*)`$", HTTP_API, re.MULTILINE)) == sorted(route for route, _ in served)


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    """Yield an error and all below it; the import of collector.__main__ has brought every room, and so every error."""
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


def problem_codes() -> Iterator[tuple[int, str]]:
    yield from ((404, "not_found"), (405, "method_not_allowed"), (500, "internal_error"))
    for listed, row in TABLE.items():
        for kind in descendants(listed):
            if kind is NameTaken:
                yield from ((row.status, NameTaken(field).code) for field in ("nickname", "email"))
            else:
                own = TABLE.get(kind, row)
                yield own.status, own.code or str(getattr(kind, "code", None))


def test_every_problem_code_stands_in_the_api_page_with_its_status() -> None:
    table = HTTP_API.partition("\n## Problems\n")[2]
    rows = re.findall(r"^\| (\d{3}) \| (`[^|]+`) \|", table, re.MULTILINE)
    written = {(int(status), code) for status, cell in rows for code in re.findall(r"`(\w+)`", cell)}
    assert written == set(problem_codes())


def test_every_field_code_stands_in_the_api_page() -> None:
    codes = {code for _, code, *_ in calls("FieldError")} | {code for code, *_ in calls("PydanticCustomError")}
    assert {code for code in codes if code is not None and f"`{code}`" not in HTTP_API} == set()


def wire_limits() -> Iterator[tuple[str, int]]:
    for module in pkgutil.iter_modules(collector.wire.__path__, "collector.wire."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.endswith(("_MAX", "_MIN")):
                yield name, value


@pytest.mark.parametrize(("name", "value"), sorted(set(wire_limits())))
def test_every_limit_stands_in_the_api_page_with_its_value(name: str, value: int) -> None:
    assert f"\n| `{name}` | {value:,} |" in HTTP_API


EXAMPLES: dict[str, tuple[type, ...]] = {
    "POST /auth/signup": (NicknameSignup, EmailSignup, SignedIn),
    "POST /auth/signin": (Signin,),
    "POST /auth/refresh": (Refreshed,),
    "GET /auth/sessions": (OwnSessions,),
    "GET /auth/me": (Profile,),
    "PATCH /auth/me": (ProfilePatch, ProfilePatch),
    "DELETE /auth/me": (OwnErasure,),
    "GET /auth/me/export": (OwnExport,),
    "GET /.well-known/jwks.json": (KeySet,),
    "POST /auth/otp": (OtpSetup,),
    "POST /auth/otp/confirm": (RecoveryCodes,),
    "POST /app/create": (apps.CreateBody, apps.Created),
    "GET /app/{app_code}": (apps.AppShown,),
    "PATCH /app/{app_code}": (apps.AppPatch,),
    "POST /app/{app_code}/read-tokens": (apps.ReadTokenBody, apps.ReadTokenCreated),
    "GET /app/{app_code}/read-tokens": (apps.ReadTokensAnswer,),
    "POST /app/create_event/{app_code}": (apps.DefineBody, apps.Defined),
    "GET /app/{app_code}/events": (apps.DefinitionsAnswer,),
    "GET /app/{app_code}/people/export": (dict, dict),
    "POST /app/{app_code}/people/erase": (people.PersonOfApp, people.Erasing),
    "POST /track": (tracking.TrackItem, tracking.Accepted, list, tracking.BatchResult),
    "POST /visits": (tracking.Visit,),
    "POST /device/{app_code}": (DeviceMessage,),
    "POST /v1/batch": (segment.CallBatch, segment.Success),
    "POST /v1/{call}": (segment.Call,),
    "POST /api/event": (PlausibleEvent,),
    "GET /stats/visits": (statistics.VisitsAnswer, statistics.BreakdownAnswer),
    "GET /stats/summary": (statistics.SummaryAnswer,),
    "POST /query": (query.QueryBody, query.QueryAnswer),
    "GET /analytics/{app_code}/{event_code}": (list,),
    "GET /export/events.ndjson": (dict,),
    "GET /health": (health.Health,),
    "GET /version": (health.Version,),
    "GET /admin/log": (health.LogReport,),
    "GET /admin/receipts/{receipt}": (ReceiptReport,),
    "GET /admin/rejected": (RejectedAnswer,),
    "GET /admin/rejected/{receipt}": (RejectedReport,),
    "POST /admin/rejected/replay": (ReplayedPage,),
    "GET /admin/users": (UsersAnswer,),
    "GET /admin/users/{user_id}": (UserReport,),
    "PUT /admin/users/{user_id}/role": (RoleBody,),
    "GET /admin/apps": (apps.AdminAppsAnswer,),
    "GET /admin/auth-events": (AuthEventsAnswer,),
    "GET /admin/auth-events/check": (AuditReport,),
    "POST /admin/erase": (people.PersonOfAny,),
    "Problems": (problem.Problem,),
}


READ = {
    tracking.TrackItem,
    tracking.Visit,
    DeviceMessage,
    segment.CallBatch,
    segment.Call,
    PlausibleEvent,
    query.QueryBody,
    apps.AppPatch,
    people.PersonOfApp,
    people.PersonOfAny,
}
"""Shapes of what is taken: an example may leave out what has a default."""


def examples() -> Iterator[tuple[str, str]]:
    for section in re.split(r"^##+ ", HTTP_API, flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0].strip("`")
        yield from ((heading, text) for text in re.findall(r"^```json\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def test_every_example_has_the_shape_of_what_is_taken_or_given() -> None:
    shapes = [(heading, shape) for heading, listed in EXAMPLES.items() for shape in listed]
    for (heading, text), (expected, shape) in zip(examples(), shapes, strict=True):
        assert heading == expected
        if issubclass(shape, BaseModel):
            shape.model_validate_json(text)
        elif shape in READ:
            msgspec.json.decode(text, type=shape)
        else:
            # There and back, so that a member too many is seen as well.
            assert json.loads(msgspec.json.encode(msgspec.json.decode(text, type=shape))) == json.loads(text)


def verbs(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not nested:
        yield name
    for action in nested:
        for verb, below in action.choices.items():
            yield from verbs(below, f"{name} {verb}")


@pytest.mark.parametrize("verb", [*verbs(commands.parser(), "footfalld"), *verbs(arguments.parser(), "footfall")])
def test_every_verb_stands_in_the_operating_page(verb: str) -> None:
    assert re.search(rf"^\| `{verb}[ `]", OPERATING, re.MULTILINE)


def test_every_warning_and_error_of_the_log_stands_in_the_operating_page() -> None:
    logged = {str(event) for event, *_ in calls("log.warning", "log.error")}
    assert len(logged) > 5
    assert {event for event in logged if f"`{event}`" not in OPERATING} == set()


MATRIX_ROWS = 27


def test_every_row_of_the_fault_matrix_names_the_tests_that_prove_it() -> None:
    page = (ROOT / "docs" / "durability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, MATRIX_ROWS + 1))
    for number, cell in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", cell)
        assert named, f"row {number} has no test"
        assert re.sub(r"`[^`]*`|[,; ]|of the tests:", "", cell) == "", f"row {number}: {cell}"


def slug(heading: str) -> str:
    """Return the anchor that a heading gets where these pages are shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_link_is_dead(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "adr"], ids=named)
def test_every_file_test_and_make_target_that_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path, test in re.findall(r"\b((?:collector|storage|console|tests|bench|docs)/[\w/-]+\.\w+)(?:::(\w+))?", text):
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^    )make (\w+)", text, re.MULTILINE)) <= targets


def group_of(first_offset: int, *items: Event | RejectedItem) -> Group:
    group = Group(first_offset)
    for offset, item in enumerate(items, first_offset):
        group.buffer += b'{"offset":%d,' % offset + encode(item).removeprefix(b"{") + b"\n"
    group.count = len(items)
    return group


def write_segment(directory: Path) -> bytes:
    """Write the segment that the page shows: two groups, a pause, a stop."""
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    then = datetime(2018, 4, 10, 12, 9, 7, tzinfo=UTC)
    claim: dict[str, object] = {"claimed_id_user": "9841"}
    search = Event("01a1fe00-0000-7000-8000-000000000001", "site", "search_page", noon, occurred_at=then, attrs=claim)
    buy = Event("order-17", "site", "button_buy", noon, user_id="ada", id_given=True)
    second = group_of(
        1, buy, RejectedItem("wrong_type", '{"source_label": 7}', "site", noon, rejected_reason="$.source_label")
    )
    second.rejected = second.duplicates = 1
    writer = SegmentWriter(
        directory,
        "0000000007-5eed5eed",
        segment_bytes_max=1 << 20,
        segment_age_s=60.0,
        disk_free_bytes_min=0,
        backlog_bytes_max=1 << 40,
    )
    writer.write(group_of(0, search))
    writer.write(second)
    writer.fence()
    writer.close()
    return (directory / segment_name(1)).read_bytes()


def test_the_segment_in_the_format_page_is_what_is_written(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```ndjson\n(.*?)^```$", LOG_FORMAT, re.MULTILINE | re.DOTALL)
    assert re.sub(r" {2,}", " … ", write_segment(tmp_path).decode()) == shown
