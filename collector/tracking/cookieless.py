"""Visitors without cookies: known for a day by a keyed hash of where they come from and with what."""

import hashlib
import uuid

from aiohttp import web

from collector.identity.origin import Origins
from collector.tracking.context import Context
from collector.tracking.day_salt import DaySalt
from storage.app import App


class Cookieless:
    """Gives anonymous_ids that neither tell of an address nor can be made again once the day is over."""

    def __init__(self, origins: Origins, salt: DaySalt) -> None:
        self._origins = origins
        self._salt = salt

    def of(self, request: web.Request, app: App, context: Context) -> str:
        """Return the visitor of this day, application, address and browser.

        A UUID of version 8 (RFC 9562, 5.8): several people of one address and browser have it, so that the store, which
        ties a visitor to whoever signs in by versions 4 and 7 alone, never takes the one's past for the other's.
        """
        parts = (app.app_code, str(self._origins.address(request)), context.user_agent or "")
        digest = hashlib.blake2b("\0".join(parts).encode(), key=self._salt.today(), digest_size=16).digest()
        return str(uuid.UUID(int=_version_8(int.from_bytes(digest, "big"))))


def _version_8(number: int) -> int:
    """Return the number with version and variant where RFC 9562, 4 has them."""
    return number & ~(0xF << 76) & ~(0b11 << 62) | 8 << 76 | 0b10 << 62
