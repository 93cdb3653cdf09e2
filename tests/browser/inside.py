"""Run inside a network of its own (unshare --net): a daemon, and Chromium on its page; prints what it showed as JSON."""

import fcntl
import json
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

from tests.house.daemon import Daemon

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PAGE_S = 60.0


def bring_loopback_up() -> None:
    """Do what `ip link set lo up` does (netdevice(7)); a new network has nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def reaches_elsewhere() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))  # RFC 5737: nobody's address; no route, no error but this one
        except OSError:
            return False
    return True


def chromium(url: str, profile: Path) -> dict[str, object]:
    done = subprocess.run(
        [
            *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}"),
            *("--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        timeout=PAGE_S,
        check=False,
    )
    # The browser's own pages speak there too.
    console = re.findall(r"CONSOLE(?![^\n]*source: chrome://)[^\n]*", done.stderr)
    return {"status": done.returncode, "dom": done.stdout, "console": console}


def main(root: Path) -> None:
    bring_loopback_up()
    with Daemon.fresh(root / "house") as daemon:
        shown = chromium(f"{daemon.url}/docs", root / "profile")
        document = daemon.get("/openapi.json")
        print(json.dumps(shown | {"document": document, "reaches_elsewhere": reaches_elsewhere()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
