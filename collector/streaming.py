"""Answers that are written as they come, however long they are."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import structlog
from aiohttp import hdrs, web

from storage.errors import StorageError

log = structlog.get_logger()


async def stream(
    request: web.Request, chunks: AsyncGenerator[bytes, None], headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer the chunks at the speed of the reader; a broken connection is the only sign of an error behind the first."""
    answer = web.StreamResponse(headers=headers)
    # Only before the first byte can an error still become a status.
    first = await anext(chunks, b"")
    await answer.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return answer
    try:
        await answer.write(first)
        async for chunk in chunks:
            await answer.write(chunk)
        await answer.write_eof()
    except StorageError as error:
        log.error("export_broken", reason=str(error))
        # Without its last chunk the body is visibly incomplete; a problem in the middle of it would look like a part.
        if request.transport is not None:
            request.transport.abort()
    except ConnectionResetError:
        log.info("export_left")
    return answer


async def array(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield chunks of whole lines of NDJSON as one JSON array."""
    before = b"["
    async for lines in chunks:
        if lines:
            yield before + lines.rstrip(b"\n").replace(b"\n", b",\n")
            before = b",\n"
    yield b"[]" if before == b"[" else b"]"
