"""The errors of the durable parts; `retriable` says whether the same call can succeed later without a person."""


class StorageError(Exception):
    """Something durable could not do what it promises; the message is for the operator."""

    retriable = False


class LogFull(StorageError):
    """The log cannot take more now: queue full, disk full or below the watermark; nothing of the call was kept."""

    retriable = True


class LogFailed(StorageError):
    """A write or fsync of the log failed: the descriptor is not trusted again and the process must end."""


class LogCorrupt(StorageError):
    """Bytes of the log that were once durable do not verify; the message names file and byte."""


class LogUnreadable(StorageError):
    """A place of a log cannot be read now: a bad sector, say. Nothing of it is given up; the message names the place."""

    retriable = True


class LogVersionUnknown(StorageError):
    """The log was written by a later version of this program: nothing of it is touched."""


class StoreDown(StorageError):
    """The store process is not there or did not answer in time."""

    retriable = True


class StoreDamaged(StoreDown):
    """DuckDB's files are damaged, gone, or not those that were opened: the store ends, and its next start heals it."""


class StoreRebuilding(StoreDown):
    """The store is being filled again from the log and would answer with a part; the message says how far it is."""


class QueryTimeout(StorageError):
    """The query took longer than `query_timeout_s`; a narrower one may do."""

    retriable = True


class QueryRefused(StorageError):
    """The query cannot be answered as asked; `field` names the member at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class DirectoryBusy(StorageError):
    """Another process holds the lock of this directory."""


class DirectoryUnusable(StorageError):
    """The data directory is missing, read-only or full; the message names it and the remedy."""


class AuditFailed(StorageError):
    """What happened could not be put on record, so it must not happen; the message names the file."""

    retriable = True


class UserExists(StorageError):
    """The nickname or e-mail is taken; `field` is "nickname" or "email"."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is taken")
        self.field = field


class UserFileCorrupt(StorageError):
    """A user's file does not parse; the message names it."""


class AppExists(StorageError):
    """Its owner has an application of that name."""


class AppFileCorrupt(StorageError):
    """An application's file does not parse; the message names it."""
