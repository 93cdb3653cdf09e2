"""The form of the one table of routes: who may call, what is read of a request, what is answered.

Router, guard, validation, OpenAPI document and tests come from its rows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel

from collector.preconditions import Match, required_match
from collector.wire.body import JSON, require_json_type
from collector.wire.model import parse
from collector.wire.problem import (
    BodyInvalid,
    BodyMalformed,
    BodyTooLarge,
    BodyTooSlow,
    BodyTypeUnsupported,
    QueryInvalid,
    RequestError,
)
from collector.wire.statistics import Parameters
from collector.wire.statistics import parse as parse_query

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Who = Literal["anyone", "reader", "user", "analyst", "admin"]
"""The least role that may call; `anyone` needs no token, and a route for anyone may still read one.

A `reader` is a user, or whoever has a read token of the application that is asked for: the handler asks `Readers`.
"""

FORBIDDING = "app"
"""The first step of the paths on which R1 wants 403, not 401, for a token that is missing or bad."""

FOR_PAGES = frozenset(("track", "visits", "pages", "pixel.gif", "footfall.js", "device", "v1", "api"))
"""The first steps of the paths of tracking, which pages of other origins may call."""

BODY_WAIT_S = web.AppKey("body_wait_s", float)
"""How long the rest of a body may take once its head is there."""

Taken = TypeVar("Taken")
Taken_co = TypeVar("Taken_co", covariant=True)
Model = TypeVar("Model", bound=BaseModel)


class Takes(Protocol[Taken_co]):
    """What is read and checked of a request before its handler runs."""

    @property
    def shapes(self) -> tuple[type, ...]:
        """The forms of it; any one of them will do."""

    @property
    def errors(self) -> tuple[type[RequestError], ...]:
        """What can be wrong with it."""

    async def read(self, request: web.Request) -> Taken_co:
        """Return what was sent; a wire error says what is wrong with it."""


class JsonBody(Generic[Taken]):
    """A body in JSON, read by `decode`.

    `is_open`: members that no shape names are taken too. `items_max`: an array of up to so many is taken as well.
    """

    errors = (BodyMalformed, BodyTooSlow, BodyTooLarge, BodyTypeUnsupported, BodyInvalid)

    def __init__(
        self, decode: Callable[[bytes], Taken], *shapes: type, is_open: bool = False, items_max: int | None = None
    ) -> None:
        self._decode = decode
        self.shapes = shapes
        self.is_open = is_open
        self.items_max = items_max

    @property
    def media(self) -> tuple[str, ...]:
        """The media types that it may come as."""
        return (JSON,)

    async def read(self, request: web.Request) -> Taken:
        """Return the body decoded."""
        require_json_type(request.headers.get(hdrs.CONTENT_TYPE))
        return self._decode(await sent_body(request))


async def sent_body(request: web.Request) -> bytes:
    """Return the bytes of the body; BodyTooSlow where they do not come within BODY_WAIT_S."""
    # Most bodies come with their head: a timer for each of them would only cost.
    return await (request.read() if request.content.is_eof() else _waited_for(request))


async def _waited_for(request: web.Request) -> bytes:
    wait_s = request.app[BODY_WAIT_S]
    try:
        async with asyncio.timeout(wait_s):
            return await request.read()
    except TimeoutError:
        raise BodyTooSlow(f"the body did not come within {wait_s:g} s") from None


def model_body(model: type[Model]) -> JsonBody[Model]:
    """Return the body of an account or of administration: checked by pydantic, whose errors never show what was sent."""
    return JsonBody(lambda raw: parse(raw, model), model)


class QueryString(Generic[Parameters]):
    """The parameters behind the question mark."""

    errors = (QueryInvalid,)

    def __init__(self, shape: type[Parameters]) -> None:
        self._shape = shape
        self.shapes = (shape,)

    async def read(self, request: web.Request) -> Parameters:
        """Return the parameters checked."""
        return parse_query(request.query.items(), self._shape)


class Taking(Generic[Taken]):
    """A handler of what `takes` reads: it cannot get anything that was not checked as the table says."""

    def __init__(
        self, takes: Takes[Taken], handler: Callable[[web.Request, Taken], Awaitable[web.StreamResponse]]
    ) -> None:
        self.takes = takes
        self._handler = handler
        self.__doc__ = handler.__doc__

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Read, then handle."""
        return await self._handler(request, await self.takes.read(request))


class Conditional(Taking[Taken]):
    """A handler of a change that needs If-Match, which it gets behind what `takes` reads."""

    def __init__(
        self, takes: Takes[Taken], handler: Callable[[web.Request, Taken, Match], Awaitable[web.StreamResponse]]
    ) -> None:
        super().__init__(takes, lambda request, taken: handler(request, taken, required_match(request)))
        self.__doc__ = handler.__doc__


class Pictured(Taking[Taken]):
    """A handler whose problems are answered by a picture, too, with their status: what shows it shows nothing broken."""


class Bodyless:
    """A handler of a method that usually has a body, for a route that takes none."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.__doc__ = handler.__doc__

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Handle."""
        return await self._handler(request)


class Answer:
    """What one status brings: JSON of one of the shapes, another media type, or with neither nothing."""

    def __init__(self, *shapes: type, media: str | None = None) -> None:
        self.shapes = shapes
        self.media = media or (JSON if shapes else None)


def first_step(path: str) -> str:
    """Return the first step of a route's path."""
    return path.split("/")[1]


def is_for_pages(path: str) -> bool:
    """Return whether a route of this path is one of tracking."""
    return first_step(path) in FOR_PAGES


class Route(NamedTuple):
    """One row of the table; `answers` are those that are no problem, by status."""

    method: str
    path: str
    handler: Handler
    who: Who
    answers: Mapping[int, Answer]

    @property
    def takes(self) -> Takes[object] | None:
        """What is read of a request, if anything is."""
        return self.handler.takes if isinstance(self.handler, Taking) else None

    @property
    def forbids(self) -> bool:
        """Whether a token that is missing or bad is answered 403, not 401."""
        return first_step(self.path) == FORBIDDING


WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def gaps(route: Route) -> list[str]:
    """Return what the row leaves unsaid."""
    found = []
    if route.method in WITH_BODY and not isinstance(route.handler, (Taking, Bodyless)):
        found.append("no body shape: use Taking, or Bodyless where there is none")
    if not route.answers:
        found.append("no answer shape")
    if not (route.handler.__doc__ or "").strip():
        found.append("no docstring, which the document shows")
    return found
