"""The verbs of `footfalld` besides serve, from their command line to the files."""

import asyncio
import contextlib
import io
import os
import shlex
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.commands import control_verbs, exit_status, parser, run_admin_add, run_init
from collector.config import load_secrets
from collector.control import ControlServer
from collector.data_directory import make_data_directory
from collector.program import program
from storage.errors import DirectoryBusy, DirectoryUnusable, UserExists
from storage.lock import Lock
from storage.user import User
from tests.terminal import run_on_terminal

ROOT = Path(__file__).parents[2]


class Accounts:
    """Keeps what `admin add` gives it."""

    def __init__(self):
        self.added = []
        self.locked = False

    async def add_admin(self, nickname, password):
        if nickname in dict(self.added):
            raise UserExists("nickname")
        self.added.append((nickname, password))
        return User(user_id="u1", role="admin", created_at=datetime(2026, 11, 1, tzinfo=UTC), password_hash="h")

    @contextlib.asynccontextmanager
    async def open(self, settings, secrets):
        with pytest.raises(DirectoryBusy):
            Lock(settings.data.dir / "LOCK").acquire()
        yield self


@pytest.fixture(autouse=True)
def room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("FOOTFALL_") or name in ("SECRET_KEY", "PASSWORD_PEPPER"):
            monkeypatch.delenv(name)
    return tmp_path


def init(*flags):
    return exit_status(lambda: run_init(parser().parse_args(["init", *flags])))


def admin_add(accounts, *arguments):
    return exit_status(lambda: run_admin_add(parser().parse_args(["admin", "add", *arguments]), accounts.open))


@pytest.fixture
def typed(monkeypatch):
    def on_stdin(raw):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    return on_stdin


def names():
    return sorted(path.name for path in Path().iterdir())


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.mark.parametrize("umask", [0, 0o077])
def test_h11_init_makes_what_the_daemon_needs_private_whatever_the_umask(capsys, umask):
    before = os.umask(umask)
    try:
        assert init() == 0
    finally:
        os.umask(before)
    assert (mode(".env"), mode("data")) == (0o600, 0o700)
    assert names() == [".env", "data"]
    load_secrets(None)
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[-1] == "next: {0} admin add NICKNAME; {0} serve".format(program("footfalld"))


def test_two_inits_make_two_different_sets_of_secrets():
    init("--env-file", "a.env")
    init("--env-file", "b.env")
    texts = [load_secrets(Path(name)) for name in ("a.env", "b.env")]
    assert len({one.get_secret_value() for each in texts for one in (each.secret_key, each.password_pepper)}) == 4


def test_init_prints_no_secret(capsys):
    init()
    shown = "".join(capsys.readouterr())
    secrets = load_secrets(None)
    assert secrets.secret_key.get_secret_value() not in shown
    assert secrets.password_pepper.get_secret_value() not in shown


def test_init_leaves_a_good_env_file_as_it_is(capsys):
    init()
    before = Path(".env").read_bytes()
    capsys.readouterr()
    assert init() == 0
    assert Path(".env").read_bytes() == before
    assert capsys.readouterr().out.startswith(".env is there already and good; left as it is\n")


def test_init_refuses_a_weak_env_file_and_leaves_it_as_it_is(capsys):
    Path(".env").write_text("SECRET_KEY=changeme\n")
    Path(".env").chmod(0o600)
    assert init() == 1
    assert Path(".env").read_text() == "SECRET_KEY=changeme\n"
    assert names() == [".env"]
    assert capsys.readouterr().err.startswith("footfalld: .env or environment: SECRET_KEY is shorter than 32 bytes; ")


def test_init_repeats_its_flags_in_the_next_command(capsys):
    Path("my config.toml").touch()
    flags = ["--config", "my config.toml", "--env-file", "x.env", "--data", "d", "--host", "::1", "--port", "0"]
    assert init(*flags) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(last.partition("footfalld serve")[2]) == flags
    assert Path("d").is_dir()


@pytest.mark.parametrize(
    ("prepare", "remedy"),
    [
        (lambda path: path.write_text(""), "is not a directory"),
        (lambda path: path.mkdir(0o755), "run `chmod 700 "),
        (lambda path: path.symlink_to("nowhere"), "cannot be made"),
    ],
)
def test_h11_a_data_directory_that_is_unfit_is_refused_with_the_remedy(room, prepare, remedy):
    prepare(room / "data")
    with pytest.raises(DirectoryUnusable, match=remedy):
        make_data_directory(room / "data")


def test_a_data_directory_without_a_parent_is_refused(room):
    with pytest.raises(DirectoryUnusable, match=r"cannot be made \(No such file or directory\)"):
        make_data_directory(room / "no" / "data")


def test_a_wrong_setting_is_one_line_and_1(capsys):
    Path("config.toml").write_text("[log]\nfsink_s = 1\n")
    assert init() == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("footfalld: config.toml:2: unknown key log.fsink_s; known keys: ")


@pytest.mark.parametrize("argv", [[], ["dance"], ["admin"], ["admin", "add"], ["serve", "--port", "x"], ["init", "x"]])
def test_a_wrong_command_line_is_2(argv, capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(argv)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: footfalld")


@pytest.mark.parametrize("verb", [["init"], ["serve"], ["admin", "add", "ann"]])
def test_every_verb_takes_the_same_flags(verb):
    flags = ["--config", "c", "--env-file", "e", "--data", "d", "--host", "h", "--port", "1"]
    found = parser().parse_args([*verb, *flags])
    assert (found.config, found.env_file, found.data, found.host, found.port) == (Path("c"), Path("e"), "d", "h", 1)
    assert found.verb == " ".join(verb[:2])


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("footfalld 0.")


def test_an_administrator_is_added_to_a_free_directory(typed, capsys):
    init()
    typed("pass wörd \n".encode())
    accounts = Accounts()
    assert admin_add(accounts, "ann", "--password-stdin") == 0
    assert accounts.added == [("ann", "pass wörd ")]
    assert capsys.readouterr().out.endswith("added the administrator 'ann'\n")
    Lock(Path("data/LOCK")).acquire().release()


def test_a_refused_administrator_is_one_line_and_1(typed, capsys):
    init()
    accounts = Accounts()
    for _ in range(2):
        typed(b"password\n")
        status = admin_add(accounts, "ann", "--password-stdin")
    assert (status, capsys.readouterr().err) == (1, "footfalld: nickname is taken\n")


async def test_while_a_daemon_runs_it_is_asked(typed):
    init()
    typed(b"password\n")
    ours, daemons = Accounts(), Accounts()
    with Lock(Path("data/LOCK")):
        async with ControlServer(Path("data/control.sock"), control_verbs(daemons)):
            assert await asyncio.to_thread(admin_add, ours, "ann", "--password-stdin") == 0
    assert (ours.added, daemons.added) == ([], [("ann", "password")])


async def test_what_the_daemon_refuses_is_one_line_and_1(typed, capsys):
    init()
    daemons = Accounts()
    daemons.added.append(("ann", "x"))
    typed(b"password\n")
    with Lock(Path("data/LOCK")):
        async with ControlServer(Path("data/control.sock"), control_verbs(daemons)):
            assert await asyncio.to_thread(admin_add, Accounts(), "ann", "--password-stdin") == 1
    assert capsys.readouterr().err == "footfalld: nickname is taken\n"


def test_a_daemon_that_holds_the_directory_and_does_not_answer_is_told(typed, capsys):
    init()
    typed(b"password\n")
    with Lock(Path("data/LOCK")):
        assert admin_add(Accounts(), "ann", "--password-stdin") == 1
    assert "data/control.sock: no daemon answers" in capsys.readouterr().err


def test_without_a_data_directory_the_remedy_is_init(capsys):
    assert admin_add(Accounts(), "ann", "--password-stdin") == 1
    assert capsys.readouterr().err == "footfalld: data: no such data directory; run `footfalld init`\n"


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n", b"\xff\n"])
def test_no_password_on_stdin_is_1(typed, capsys, raw):
    init()
    typed(raw)
    accounts = Accounts()
    assert admin_add(accounts, "ann", "--password-stdin") == 1
    assert (accounts.added, capsys.readouterr().err.count("\n")) == ([], 1)


def test_without_a_terminal_the_flag_is_named(typed, capsys):
    init()
    typed(b"password\n")
    assert admin_add(Accounts(), "ann") == 1
    assert "use --password-stdin" in capsys.readouterr().err


PROMPTED = """
import sys
from collector.commands import exit_status, parser, run_admin_add
from tests.collector.test_commands import Accounts
accounts = Accounts()
arguments = parser().parse_args(["admin", "add", "ann", "--data", "{data}", "--env-file", "{env_file}"])
status = exit_status(lambda: run_admin_add(arguments, accounts.open))
print("added", accounts.added)
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("answers", "status", "shown"),
    [
        (("s3same\n", "s3same\n"), 0, "added [('ann', 's3same')]"),
        (("s3same\n", "other\n"), 1, "footfalld: the two passwords differ; nothing was added\nadded []"),
        (("\x04",), 1, "footfalld: no password was given; nothing was added\nadded []"),
        (("\x03",), 130, "added []"),
    ],
)
def test_the_password_is_asked_twice_and_not_shown(room, answers, status, shown):
    init()
    code = PROMPTED.format(data=room / "data", env_file=room / ".env")
    typed = list(zip(("Password: ", "Once more: "), answers, strict=False))
    ended, screen = run_on_terminal(code, typed, cwd=ROOT, env=dict(os.environ))
    assert (ended, screen.strip().endswith(shown)) == (status, True), screen
    assert "s3same" not in screen.partition("added")[0]
