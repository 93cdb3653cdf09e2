"""The control socket: real sockets, the client in a thread as another process would be."""

import asyncio
import contextlib
import json
import os
import socket
import stat
import threading
from pathlib import Path

import pytest
import uvloop

from collector.control import LINE_BYTES_MAX, ControlError, ControlRefused, ControlServer, ask
from storage.errors import UserExists


async def echo(arguments):
    return {"heard": arguments}


async def refuse(arguments):
    raise UserExists("nickname")


async def break_down(arguments):
    raise ZeroDivisionError("a bug")


VERBS = {"echo": echo, "refuse": refuse, "break down": break_down}


async def asked(path, verb="echo", arguments=None, timeout_s=5.0):
    return await asyncio.to_thread(ask, path, verb, arguments or {}, timeout_s)


async def raw_reply(path, line):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    # The daemon may answer and close before it has read all of a line that is too long.
    with contextlib.suppress(ConnectionError):
        await writer.drain()
        writer.write_eof()
    try:
        return json.loads(await reader.readline())
    finally:
        writer.close()


async def test_a_verb_is_answered(tmp_path):
    async with ControlServer(tmp_path / "control.sock", VERBS):
        assert await asked(tmp_path / "control.sock", arguments={"name": "Zoë\n"}) == {"heard": {"name": "Zoë\n"}}


def test_a_verb_is_answered_on_uvloop_as_well(tmp_path):
    async def main():
        async with ControlServer(tmp_path / "control.sock", VERBS):
            return await asked(tmp_path / "control.sock")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == {"heard": {}}
    assert not (tmp_path / "control.sock").exists()


async def test_a_directory_too_deep_for_a_socket_address_works(tmp_path):
    deep = tmp_path.joinpath(*["d" * 50] * 5)
    deep.mkdir(parents=True)
    async with ControlServer(deep / "control.sock", VERBS):
        assert await asked(deep / "control.sock") == {"heard": {}}
        assert stat.S_IMODE((deep / "control.sock").stat().st_mode) == 0o600
    assert list(deep.iterdir()) == []


async def test_the_socket_is_the_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        async with ControlServer(tmp_path / "control.sock", VERBS):
            assert stat.S_IMODE((tmp_path / "control.sock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


async def test_a_closed_server_leaves_no_socket(tmp_path):
    async with ControlServer(tmp_path / "control.sock", VERBS):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ControlError, match="no daemon answers"):
        await asked(tmp_path / "control.sock")


async def test_the_socket_of_a_dead_daemon_is_replaced(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    with pytest.raises(ControlError, match="no daemon answers"):
        await asked(tmp_path / "control.sock")
    async with ControlServer(tmp_path / "control.sock", VERBS):
        assert await asked(tmp_path / "control.sock") == {"heard": {}}


async def test_a_file_that_is_no_socket_is_kept(tmp_path):
    (tmp_path / "control.sock").write_text("mine")
    with pytest.raises(ControlError, match="is not a socket; move it away"):
        async with ControlServer(tmp_path / "control.sock", VERBS):
            pass
    assert (tmp_path / "control.sock").read_text() == "mine"


async def test_what_a_verb_refuses_is_told_to_the_caller(tmp_path):
    async with ControlServer(tmp_path / "control.sock", VERBS):
        with pytest.raises(ControlRefused, match=r"^nickname is taken$"):
            await asked(tmp_path / "control.sock", "refuse")


async def test_a_bug_in_a_verb_ends_neither_daemon_nor_socket(tmp_path):
    async with ControlServer(tmp_path / "control.sock", VERBS):
        with pytest.raises(ControlRefused, match=r"^break down failed; the error is in the daemon's log$"):
            await asked(tmp_path / "control.sock", "break down")
        assert await asked(tmp_path / "control.sock") == {"heard": {}}


async def test_an_unknown_verb_is_refused(tmp_path):
    async with ControlServer(tmp_path / "control.sock", VERBS):
        with pytest.raises(ControlRefused, match="does not know the verb 'dance'"):
            await asked(tmp_path / "control.sock", "dance")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"\n", "not one line"),
        (b"hello\n", "not one line"),
        (b"[1]\n", "not one line"),
        (b'{"verb": 1, "arguments": {}}\n', "not one line"),
        (b'{"verb": "echo"}\n', "not one line"),
        (b'{"verb": "echo", "arguments": [], "more": 1}\n', "not one line"),
        (b'{"verb": "\xff", "arguments": {}}\n', "not one line"),
        (b"", "not one line"),
        (b'{"verb": "echo", "argum', "not one line"),
        (b"x" * (LINE_BYTES_MAX + 1) + b"\n", "not one line"),
    ],
)
async def test_a_line_that_is_no_call_is_refused(tmp_path, line, expected):
    async with ControlServer(tmp_path / "control.sock", VERBS):
        assert expected in (await raw_reply(tmp_path / "control.sock", line))["error"]
        assert await asked(tmp_path / "control.sock") == {"heard": {}}


async def test_a_call_too_long_for_a_line_is_not_sent(tmp_path):
    async with ControlServer(tmp_path / "control.sock", VERBS):
        with pytest.raises(ControlError, match=f"at most {LINE_BYTES_MAX}"):
            await asked(tmp_path / "control.sock", arguments={"name": "x" * LINE_BYTES_MAX})


async def test_a_daemon_that_hangs_is_given_up(tmp_path):
    release = asyncio.Event()

    async def hang(arguments):
        await release.wait()
        return {}

    async with ControlServer(tmp_path / "control.sock", {"hang": hang}):
        with pytest.raises(ControlError, match=r"did not answer within 0\.05 s"):
            await asked(tmp_path / "control.sock", "hang", timeout_s=0.05)
        release.set()


async def test_a_verb_under_way_is_finished_before_the_server_closes(tmp_path):
    begun, release, done = asyncio.Event(), asyncio.Event(), []

    async def slow(arguments):
        begun.set()
        await release.wait()
        done.append(True)
        return {"done": True}

    async with ControlServer(tmp_path / "control.sock", {"slow": slow}):
        answer = asyncio.ensure_future(asked(tmp_path / "control.sock", "slow"))
        await begun.wait()
        asyncio.get_running_loop().call_later(0.01, release.set)
    assert done == [True]
    assert await answer == {"done": True}


@pytest.mark.parametrize("said", [b"", b"hello\n", b"x" * (LINE_BYTES_MAX + 2)])
def test_an_answer_of_something_else_is_refused(tmp_path, said):
    path: Path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def answer():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.recv(LINE_BYTES_MAX)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ControlError, match="no daemon of this version"):
            ask(path, "echo", {}, 5.0)
        thread.join()
