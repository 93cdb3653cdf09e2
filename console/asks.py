"""What the screens and their questions need of a client."""

from typing import Protocol


class Asks(Protocol):
    """Asks the daemon; a ConsoleError says why there is no answer."""

    async def get(self, path: str, parameters: dict[str, str]) -> bytes:
        """Return the body of a good answer."""

    async def post(self, path: str, body: object | None = None) -> bytes:
        """Send a body, if any, and return that of a good answer."""

    async def send(self, method: str, path: str, body: object | None = None) -> None:
        """Have something done."""
