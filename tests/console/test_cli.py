"""The commands of `footfall` against a daemon that answers as the contract says."""

import asyncio
import importlib.metadata
import json
import os
import signal
import socket
import stat
import subprocess
import sys

import pytest

from console.cli import main
from console.token_file import Tokens, read_tokens
from tests.console.conftest import LOG, REFRESH_TOKEN, ROOT, STORE, TOKEN, VERSION
from tests.terminal import run_on_terminal

NASTY = "/\x1b]0;pwn\x07\x9b31m\u202e\u2028\x7f[/x]"
ROWS = [{"page": "/a", "visits": 1000, "visitors": 7}, {"page": None, "visits": 2, "visitors": 1}]


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("FOOTFALL_TOKEN", TOKEN)
    return f"Bearer {TOKEN}"


def free_url():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


async def test_the_version_is_told_without_a_daemon(footfall_process):
    ended = await footfall_process("--version")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == f"footfall {importlib.metadata.version('footfall')}\n"


async def test_status_of_a_daemon_that_is_well_is_0(daemon, footfall):
    ended = await footfall("status", "--url", daemon.url)
    assert ended.status == 0
    assert ended.out == "daemon    ok\ntracking  accepted\nversion   0.1.0, commit abc1234, built 2026-11-01\n"
    assert ended.err == "footfall: details are shown to administrators: run `footfall signin NAME`\n"


async def test_status_shows_log_and_store_to_an_administrator(daemon, footfall, token):
    ended = await footfall("--url", daemon.url, "status")
    assert (ended.status, ended.err) == (0, "")
    shown = dict(line.split("  ", 1) for line in ended.out.splitlines())
    assert {name.strip(): value.strip() for name, value in shown.items()} == {
        "daemon": "ok",
        "tracking": "accepted",
        "version": "0.1.0, commit abc1234, built 2026-11-01",
        "log": "7-c0ffee, accepting",
        "durable offset": "41, in segment 3 of 9000 bytes",
        "unflushed": "0 bytes",
        "answered": "12 groups, 2 duplicates, 1 rejected since the start",
        "store": "position 17, loaded 2026-11-20 10:00:00 UTC",
        "stored": "40 events, 1 rejected, 2 duplicates",
        "marked": "3 bot",
        "pending": "512 bytes of the log",
        "checkpoint": "never",
        "group commit": "p50 0.6 ms, p99 none yet",
    }


async def test_a_degraded_daemon_is_1_with_its_reasons(daemon, footfall, token):
    log = LOG | {"accepting": False, "reason": "disk full"}
    told = {"log": log, "store": None, "lag": {"events": None, "bytes": 4711, "seconds": None}}
    daemon.answers["/health"] = (200, {"status": "degraded", "reasons": ["disk", "store"], **told})
    daemon.refuse("/ready", 503, "log_full", "Service Unavailable: log_full")
    ended = await footfall("status", "--url", daemon.url)
    assert ended.status == 1
    for words in (
        "degraded",
        "disk\n",
        "not accepting: disk full",
        "down",
        "at most 4711 bytes",
        "refused: 503 log_full",
    ):
        assert words in ended.out


async def test_a_daemon_that_is_well_but_takes_no_tracking_is_1(daemon, footfall):
    daemon.refuse("/ready", 503, "starting")
    assert (await footfall("status", "--url", daemon.url)).status == 1


async def test_status_as_json_holds_the_three_answers(daemon, footfall, token):
    ended = await footfall("status", "--json", "--url", daemon.url)
    assert json.loads(ended.out) == {
        "health": {"status": "ok", "reasons": [], "log": LOG, "store": STORE},
        "ready": {"status": "ready"},
        "version": VERSION,
    }


async def test_a_token_that_has_ended_does_not_hide_the_status(daemon, footfall, token):
    daemon.token = "another"
    ended = await footfall("status", "--url", daemon.url)
    assert ended.status == 0
    assert ended.out.startswith("daemon    ok\ntracking  accepted\n")
    assert ended.err.startswith("footfall: the token is not taken: 401 invalid_token: it has ended\n")
    assert [one[3] for one in daemon.asked if one[1] == "/health"] == [token, None]


@pytest.mark.parametrize("command", [["status"], ["top", "page"]])
async def test_nobody_at_the_url_is_3(footfall, command):
    ended = await footfall(*command, "--url", free_url())
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.startswith("footfall: http://127.0.0.1:")
    assert ended.err.endswith("; is footfalld running there?\n")
    assert ended.err.count("\n") == 1


async def test_top_is_a_table(daemon, footfall, token):
    daemon.answers["/stats/visits"] = (200, {"rows": ROWS, "next": None})
    ended = await footfall("top", "page", "--url", daemon.url)
    assert ended == (0, "page  visits  visitors\n/a      1000         7\n-          2         1\n", "")
    assert daemon.asked == [("GET", "/stats/visits", {"by": "page", "limit": "20"}, token)]


async def test_top_sends_filters_period_and_limit(daemon, footfall, token):
    where = ("--where", "user_id=42", "--where", "page_url=/a?b=c&d")
    period = ("--period", "2026-11-01..2026-11-08")
    await footfall("top", "day", *where, *period, "-n", 5, "--url", daemon.url)
    assert daemon.asked[0][2] == {
        "by": "day",
        "limit": "5",
        "user_id": "42",
        "page_url": "/a?b=c&d",
        "from": "2026-11-01",
        "to": "2026-11-08",
    }


async def test_rows_that_are_left_out_are_said_on_stderr(daemon, footfall, token):
    daemon.answers["/stats/visits"] = (200, {"rows": ROWS, "next": "cursor"})
    for form in ((), ("--json",)):
        ended = await footfall("top", "page", *form, "--url", daemon.url)
        assert ended.status == 0
        assert ended.err == "footfall: only 2 rows are shown, there are more: see -n\n"


async def test_hostile_text_is_replaced_in_a_table_and_escaped_in_json(daemon, footfall, token):
    rows = [{"page": NASTY, "visits": 1, "visitors": 1}]
    daemon.answers["/stats/visits"] = (200, {"rows": rows, "next": None})
    shown = (await footfall("top", "page", "--url", daemon.url)).out
    assert "/\ufffd]0;pwn\ufffd\ufffd31m\ufffd\ufffd\ufffd[/x]" in shown
    assert all(line.isprintable() for line in shown.splitlines())
    as_json = (await footfall("top", "page", "--json", "--url", daemon.url)).out
    assert as_json.isascii()
    assert as_json.removesuffix("\n").isprintable()
    assert json.loads(as_json)["rows"] == rows


async def test_a_hostile_problem_is_one_clean_line(daemon, footfall, token):
    daemon.refuse("/stats/visits", 422, "query_invalid", NASTY + "\nfootfall: all is well")
    ended = await footfall("top", "page", "--url", daemon.url)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("footfall: 422 query_invalid: /\ufffd]0;pwn")
    assert ended.err.removesuffix("\n").isprintable()


@pytest.mark.parametrize("code", ["token_missing", "invalid_token", "session_expired", "refresh_token_reused"])
async def test_a_missing_sign_in_is_1_with_the_remedy(daemon, footfall, code):
    daemon.refuse("/stats/visits", 401, code)
    ended = await footfall("top", "page", "--url", daemon.url)
    assert ended == (1, "", f"footfall: 401 {code}: no; run `footfall signin NAME`\n")


@pytest.mark.parametrize(
    "body",
    [b"<html>", [], {"rows": 1, "next": None}, {"rows": [{"visits": 1, "visitors": 1}], "next": None}, {"rows": []}],
)
async def test_an_answer_of_something_else_is_1(daemon, footfall, token, body):
    daemon.answers["/stats/visits"] = (200, body)
    ended = await footfall("top", "page", "--url", daemon.url)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.count("\n") == 1


async def test_a_redirect_does_not_take_the_token_along(daemon, footfall, token):
    daemon.answers["/stats/visits"] = (302, {"title": "Found", "status": 302, "code": "found", "detail": "elsewhere"})
    ended = await footfall("top", "page", "--url", daemon.url)
    assert ended.status == 1
    assert len(daemon.asked) == 1


async def test_a_daemon_below_a_path_is_reached(daemon, footfall):
    daemon.answers |= {f"/behind{path}": answer for path, answer in daemon.answers.items()}
    for url in (f"{daemon.url}behind", f"{daemon.url}behind/"):
        assert (await footfall("status", "--url", url)).status == 0
    assert {one[1] for one in daemon.asked} == {"/behind/health", "/behind/ready", "/behind/version"}


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["dance"],
        ["top"],
        ["top", "planet"],
        ["top", "page", "--where", "page_url"],
        ["top", "page", "--where", "planet=x"],
        ["top", "page", "--period", "soon"],
        ["top", "page", "-n", "0"],
        ["top", "page", "-n", "-1"],
        ["top", "page", "-n", "many"],
        ["signin"],
        ["status", "--url", "ftp://127.0.0.1"],
        ["status", "--url", "127.0.0.1:8080"],
        ["status", "--url", "http://"],
        ["status", "--url", "http://127.0.0.1:99999"],
        ["status", "--url", "http://127.0.0.1:0"],
        ["status", "--url", "http://a b"],
        ["status", "--url", "http://[::1"],
        ["status", "--url", "http://ann:password@127.0.0.1"],
        ["top", "page", "--where", "user_id=1", "--where", "user_id=2"],
    ],
)
def test_a_wrong_command_line_is_2_with_words_on_stderr_only(argv, capsys):
    try:
        status = main(argv)
    except SystemExit as ended:
        status = ended.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert "footfall" in err


async def test_the_url_may_come_from_the_environment(daemon, footfall, monkeypatch):
    monkeypatch.setenv("FOOTFALL_URL", daemon.url)
    assert (await footfall("status")).status == 0


async def test_signin_keeps_the_token_for_later_commands(daemon, footfall_process, home):
    ended = await footfall_process(
        "signin", "ann", "--password-stdin", "--url", daemon.url, stdin="pass wörd\n".encode()
    )
    file = home / "state" / "footfall" / "token"
    assert ended == (0, "", f"footfall: signed in; the session is kept in {file}\n")
    assert read_tokens(file) == Tokens(TOKEN, REFRESH_TOKEN)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    await footfall_process("top", "page", "--url", daemon.url)
    assert daemon.asked[-1][3] == f"Bearer {TOKEN}"


async def test_a_second_signin_replaces_the_token_wholly(daemon, footfall_process, home):
    file = home / "mine"
    file.write_text("x" * 5000)
    await footfall_process(
        *("signin", "ann", "--password-stdin", "--url", daemon.url, "--token-file", file),
        stdin="pass wörd\r\n".encode(),
    )
    assert read_tokens(file) == Tokens(TOKEN, REFRESH_TOKEN)
    assert [one.name for one in home.iterdir()] == ["mine"]


async def test_a_refused_signin_is_1_and_keeps_no_token(daemon, footfall_process, home):
    ended = await footfall_process("signin", "ann", "--password-stdin", "--url", daemon.url, stdin=b"wrong\n")
    assert ended == (1, "", "footfall: 401 credentials_wrong: no such pair\n")
    assert list(home.iterdir()) == []


async def test_a_signin_with_a_second_factor_takes_its_code_from_the_second_line(daemon, footfall_process, home):
    daemon.otp = "123456"
    for code, status in (("", 2), ("654321\n", 1), ("123456\n", 0)):
        ended = await footfall_process(
            "signin", "ann", "--password-stdin", "--url", daemon.url, stdin=f"pass wörd\n{code}".encode()
        )
        assert (ended.status, ended.out, ended.err.count("\n")) == (status, "", 1)
        assert ("code" in ended.err, "otp_invalid" in ended.err) == (status == 2, status == 1)
    assert read_tokens(home / "state" / "footfall" / "token") == Tokens(TOKEN, REFRESH_TOKEN)


@pytest.mark.parametrize("stdin", [b"", b"\n", b"\xff\n"])
async def test_a_signin_without_a_password_is_2(footfall_process, stdin):
    ended = await footfall_process("signin", "ann", "--password-stdin", stdin=stdin)
    assert (ended.status, ended.err.count("\n")) == (2, 1)


async def test_a_signin_without_a_terminal_names_the_flag(footfall_process):
    ended = await footfall_process("signin", "ann")
    assert ended == (2, "", "footfall: there is no terminal to ask for the password on; use --password-stdin\n")


async def test_the_password_is_asked_on_the_terminal_and_not_shown(daemon, home):
    code = f"import sys\nfrom console.cli import main\nsys.exit(main(['signin', 'ann', '--url', '{daemon.url}']))"
    status, screen = await asyncio.to_thread(
        run_on_terminal, code, [("Password: ", "pass wörd\n")], cwd=ROOT, env=dict(os.environ)
    )
    assert (status, "pass wörd" in screen) == (0, False), screen
    assert read_tokens(home / "state" / "footfall" / "token") == Tokens(TOKEN, REFRESH_TOKEN)


async def test_a_code_is_asked_for_where_the_account_has_a_second_factor(daemon, home):
    daemon.otp = "mzxw-6ytb-oi4t-kmrq"
    code = f"import sys\nfrom console.cli import main\nsys.exit(main(['signin', 'ann', '--url', '{daemon.url}']))"
    asked = [("Password: ", "pass wörd\n"), ("Code: ", "mzxw-6ytb-oi4t-kmrq\n")]
    status, screen = await asyncio.to_thread(run_on_terminal, code, asked, cwd=ROOT, env=dict(os.environ))
    assert (status, "mzxw" in screen) == (0, False), screen
    assert read_tokens(home / "state" / "footfall" / "token") == Tokens(TOKEN, REFRESH_TOKEN)


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x04", 2)])
def test_the_prompt_can_be_left(key, status):
    code = "import sys\nfrom console.cli import main\nsys.exit(main(['signin', 'ann']))"
    ended, screen = run_on_terminal(code, [("Password: ", key)], cwd=ROOT, env=dict(os.environ))
    assert (ended, "Traceback" in screen) == (status, False), screen


async def test_a_token_file_that_others_can_read_is_refused(daemon, footfall, home):
    file = home / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    ended = await footfall("top", "page", "--url", daemon.url, "--token-file", file)
    assert (ended.status, daemon.asked) == (1, [])
    assert f"chmod 600 {file}" in ended.err


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\n", b"two words", b"\xff", b"a\nb", b"x" * 20_000),
        *(b"{", b"{}", b'{"jwt_token":1}', b'{"jwt_token":""}', b'{"jwt_token":"a","refresh_token":""}'),
        *(b'{"jwt_token":"a","refresh_token":"b c"}', b'{"jwt_token":"a","refresh_token":"\xff"}'),
    ],
)
async def test_a_file_that_holds_no_token_is_refused(daemon, footfall, home, content):
    file = home / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    ended = await footfall("top", "page", "--url", daemon.url, "--token-file", file)
    assert (ended.status, daemon.asked) == (1, [])
    assert "run `footfall signin NAME`" in ended.err


async def test_ctrl_c_is_130(footfall_process):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console", "status", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        connection, _ = await asyncio.to_thread(silent.accept)
        with connection:
            await asyncio.to_thread(connection.recv, 1000)
            process.send_signal(signal.SIGINT)
            out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (130, b"", b"")


async def test_a_reader_that_goes_away_is_no_traceback(daemon, token):
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "top", "page", "--url", daemon.url),
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    os.close(writing)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, err) == (1, b"")


async def test_a_terminal_that_is_not_utf_8_shows_every_row(daemon, footfall_process, token):
    daemon.answers["/stats/visits"] = (200, {"rows": [{"page": "/日", "visits": 1, "visitors": 1}], "next": None})
    ended = await footfall_process("top", "page", "--url", daemon.url, PYTHONIOENCODING="latin-1")
    assert ended.status == 0
    assert "/\\u65e5" in ended.out


def test_importing_the_command_line_loads_nothing_heavy():
    code = "import sys, console.cli; print(sorted({'textual', 'duckdb', 'aiohttp', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("text", ["7-c0ffee", "7-c0ffee:-1", "../health:1", "a:1/2"])
async def test_what_is_no_receipt_is_2_before_a_daemon_is_asked(footfall, text, capsys):
    with pytest.raises(SystemExit) as ended:
        await footfall("receipt", text, "--url", "http://127.0.0.1:1")
    assert ended.value.code == 2
    assert "<log_id>:<offset>" in capsys.readouterr().err
