"""A real terminal for what asks on one: a pseudo terminal that the child process is in control of."""

import os
import subprocess
import sys
import time

CONTROL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"


def run_on_terminal(code, typed, *, cwd, env, deadline_s=30.0):
    """Run Python `code` and type each (prompt, answer) of `typed` once its prompt is there; return status and screen."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROL + code],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        cwd=cwd,
        env=env,
    )
    os.close(theirs)
    screen, deadline = "", time.monotonic() + deadline_s
    waiting = list(typed)
    try:
        while time.monotonic() < deadline:
            try:
                screen += os.read(ours, 4096).decode()
            except OSError:  # Linux says EIO once the child has closed its end
                break
            if waiting and waiting[0][0] in screen:
                os.write(ours, waiting.pop(0)[1].encode())
        return process.wait(max(0.1, deadline - time.monotonic())), screen.replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
