"""The baseline: a bare aiohttp handler on uvloop that reads the body and answers what POST /track answers.

`python -m bench.bare` serves on a free port until it is told to stop, and prints its address.
"""

import asyncio
import gc
import signal
import socket
import sys

import uvloop
from aiohttp import web

BODY_BYTES_MAX = 1 << 20
BATCH_ITEMS = 500

ONE = b'{"status":"accepted","event_id":"01a1fc1a-ab5f-7762-a662-97b8e3e0b993","receipt":"0000000001-f0d463e4:1234567"}'
RESULT = (
    b'{"index":123,"status":"accepted","event_id":"01a1fc1a-ab5f-7762-a662-97b8e3e0b993",'
    b'"receipt":"0000000001-f0d463e4:1234567"}'
)
MANY = b'{"accepted":500,"duplicate":0,"rejected":0,"results":[%b]}' % b",".join([RESULT] * BATCH_ITEMS)


async def take(request: web.Request) -> web.Response:
    """Answer constant bytes, as many as footfalld's answer has."""
    body = await request.read()
    return web.Response(status=202, body=MANY if body[:1] == b"[" else ONE, content_type="application/json")


async def _serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_post("/track", take)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listener).start()
    sys.stdout.write(f"bare aiohttp answers on http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    if "gc" in sys.argv:
        gc.collect(); gc.freeze(); gc.set_threshold(20_000)
    uvloop.run(_serve())
