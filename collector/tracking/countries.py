"""The country of an address, from a file in MaxMind's format (MaxMind DB 2.0), such as GeoLite2-Country.mmdb."""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

import maxminddb
import structlog

from collector.errors import CommandError
from collector.identity.origin import Address

LOOK_S = 60.0
"""Between two looks whether the file is another."""

COUNTRY = re.compile("[A-Z]{2}")

log = structlog.get_logger()


class CountriesUnreadable(CommandError):
    """The file is not there, or is no database of addresses."""


class Countries:
    """Answers from the file as it was read last; `watch` reads it again when it is another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: maxminddb.Reader | None = None
        self._state: object = None

    def open(self) -> None:
        """Read the file; CountriesUnreadable where it cannot be used."""
        try:
            self._state = _state(self._path)
            self._reader = _read(self._path)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise CountriesUnreadable(
                f"{self._path}: {error}; put a whole file of MaxMind's format there, or take privacy.geo_database away"
            ) from None

    def of(self, address: Address) -> str | None:
        """Return the country's code (ISO 3166-1, two letters), None where the file names none."""
        if self._reader is None:
            return None
        try:
            found = self._reader.get(address)
        except maxminddb.InvalidDatabaseError as error:
            # Only a look shows damage behind the head of the file: no country is better than a wrong one, or than no event.
            self._reader = None
            log.error("countries_damaged", file=str(self._path), reason=str(error))
            return None
        except ValueError:
            return None  # an address of IPv6, and a file of IPv4 alone
        return _code(found)

    async def watch(self) -> None:
        """Look every LOOK_S seconds whether there is another file, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Read the file again where it is another; one that cannot be used changes nothing. Blocks on the disk."""
        if not self._is_another():
            return
        try:
            self.open()
            log.info("countries_read", file=str(self._path))
        except CountriesUnreadable as error:
            log.warning("countries_unreadable", reason=str(error))

    def _is_another(self) -> bool:
        try:
            return _state(self._path) != self._state
        except OSError as error:
            # The next look says so again only when something has changed.
            is_news, self._state = self._state != error.errno, error.errno
            return is_news


def _state(path: Path) -> object:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path) -> maxminddb.Reader:
    """Return a reader of a copy that has no name: a file that is changed in place must not change below its reader."""
    with tempfile.NamedTemporaryFile() as copy, path.open("rb") as source:
        shutil.copyfileobj(source, copy)
        copy.flush()
        return maxminddb.open_database(copy.name)


def _code(record: object) -> str | None:
    """Return what stands at country.iso_code, where GeoLite2 and DB-IP have it, if it is a code."""
    country = record.get("country") if isinstance(record, dict) else None
    code = country.get("iso_code") if isinstance(country, dict) else None
    return code if isinstance(code, str) and COUNTRY.fullmatch(code) else None
