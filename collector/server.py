"""Serving: bind, say so, answer until a signal, then finish what is open."""

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import Callable

import structlog
from aiohttp import web

from collector.http_log import http_logger

log = structlog.get_logger()


CONNECTIONS_WAITING_MAX = 1024
"""Connections that the kernel keeps until they are accepted."""


LINGERING_S = 5.0
"""How long what a refused request still sends is read and thrown away: a connection that is closed earlier loses the answer."""


LINE_BYTES_MAX = 64 * 1024
"""Of a request's first line: the longest page_url, every byte of it as %XX, beside the longest cursor."""


GC_ALLOCATIONS = 20_000
"""Allocations between two collections of the youngest objects; Python's 700 costs a request 5 %."""


class AddressUnusable(Exception):
    """The daemon cannot listen where it should; the text is one line with the remedy."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one.

    Raises:
        AddressUnusable: the port is taken, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=CONNECTIONS_WAITING_MAX)
    except OSError as error:
        reason = (
            "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        )
        raise AddressUnusable(f"{host}:{port} {reason}; choose another with --host and --port") from None


async def serve(
    app: web.Application,
    listener: socket.socket,
    *,
    idle_s: float,
    shutdown_s: float,
    stop: asyncio.Event,
    ready: Callable[[str], None],
    stopping: Callable[[], None],
) -> None:
    """Serve until `stop`; then accept nothing more and give open requests `shutdown_s` to be answered.

    A connection that has brought no whole head of a request for `idle_s` is closed, a new one as well as one that has been answered.
    `ready` is called with the address once connections are accepted, `stopping` when `stop` was set.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=idle_s,
        lingering_time=LINGERING_S,
        logger=http_logger(),
        max_line_size=LINE_BYTES_MAX,
        shutdown_timeout=shutdown_s,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        ready(_address(listener))
        await stop.wait()
        stopping()
        log.info("stopping", open_requests_get_s=shutdown_s)
    finally:
        await runner.cleanup()


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` at SIGTERM and SIGINT; a second signal changes nothing."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def settle_memory() -> None:
    """Let collections come more seldom, and look no more at what is alive now: that stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
