"""Whom an erasure is of, up to which place in the logs, and that it began."""

import msgspec


class LogPlace(msgspec.Struct, frozen=True, order=True):
    """A place in all logs: they follow each other as their log_ids do, offsets within."""

    log_id: str
    offset: int


class Person(msgspec.Struct, frozen=True):
    """Somebody of an application: a user, or where `user_id` is None a visitor."""

    app_code: str
    user_id: str | None = None
    anonymous_id: str | None = None


class EraseQuery(msgspec.Struct, frozen=True, tag="erase"):
    """Erase what a person did before `until`: of a user, its visitors' events too. No question, but asked like one."""

    person: Person
    until: LogPlace


class ErasureStarted(msgspec.Struct, frozen=True):
    """The erasure outlives a crash from here on; `identifiers` of the person are on the suppression list."""

    identifiers: int
