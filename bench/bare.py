"""The baseline: aiohttp on uvloop that reads a body and answers what POST /track answers to one event, nothing else.

`python -m bench.bare` serves on a free port of 127.0.0.1 until it is told to stop, and prints its address. POST /track
is the quickest that aiohttp can: constant bytes, headers made beforehand. POST /plain is how handlers are usually
written.
"""

import asyncio
import gc
import json
import signal
import socket
import sys

import uvloop
from aiohttp import web
from multidict import CIMultiDict

GC_ALLOCATIONS = 20_000
"""As in footfalld, so that the ratio is not about collections of garbage."""

ANSWER = (
    b'{"status":"accepted","event_id":"01a1fc1a-ab5f-7762-a662-97b8e3e0b993","receipt":"0000000001-f0d463e4:123456"}'
)
HEADERS = CIMultiDict({"Content-Type": "application/json; charset=utf-8"})


async def track(request: web.Request) -> web.Response:
    """Answer constant bytes, as many as footfalld does."""
    await request.read()
    return web.Response(status=202, body=ANSWER, headers=HEADERS)


async def plain(request: web.Request) -> web.Response:
    """Answer the same, encoded by aiohttp."""
    await request.read()
    return web.json_response(DECODED, status=202)


DECODED = json.loads(ANSWER)


async def _serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = web.Application()
    app.router.add_post("/track", track)
    app.router.add_post("/plain", plain)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listener).start()
    _settle_memory()
    sys.stdout.write(f"bare aiohttp answers on http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


def _settle_memory() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)


if __name__ == "__main__":
    uvloop.run(_serve())
