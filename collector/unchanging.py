"""Answers that stay the same while the daemon runs: nobody is sent one twice."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from collector.preconditions import is_known, tag_of


class Unchanging:
    """Content with its ETag; `headers` are all others of the answer."""

    def __init__(self, content: bytes, headers: Mapping[str, str]) -> None:
        self._content = content
        self._tag = tag_of(content)
        self._headers = {**headers, "ETag": f'"{self._tag}"'}

    def answer(self, request: web.Request) -> web.Response:
        """Return the content, or 304 where the client has it already (RFC 9110, section 13.1.2)."""
        if is_known(request, self._tag):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=self._headers)
        return web.Response(body=self._content, headers=self._headers)
