"""The user: an account, its sessions, and its single encoding as a JSON file."""

import unicodedata
from datetime import datetime
from typing import Literal

import msgspec

from storage.sealed import Sealed

Role = Literal["user", "analyst", "admin"]


class Session(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One authenticated sign-in; it ends by being removed from its user, or at `expires_at`.

    `counter` numbers its refresh tokens: the newest is good, and the one before it shortly after `rotated_at`. `peer`
    and `user_agent` are those of the sign-in.
    """

    sid: str
    created_at: datetime
    expires_at: datetime
    counter: int = 0
    rotated_at: datetime | None = None
    peer: str = ""
    user_agent: str = ""

    @property
    def seen_at(self) -> datetime:
        """When it was last used to sign in or refresh; its requests in between are not written down."""
        return self.rotated_at or self.created_at


class SecondFactor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An authenticator app (RFC 6238); it counts once it is confirmed.

    `secret` is what it shares with the app. `step` is the last one whose code was taken: none is taken twice. `recovery`
    has MACs of the recovery codes that are left. So many wrong codes came in a row as `failures` says, the last at
    `failed_at`.
    """

    secret: Sealed
    created_at: datetime
    confirmed_at: datetime | None = None
    step: int = 0
    recovery: tuple[str, ...] = ()
    failures: int = 0
    failed_at: datetime | None = None


class User(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An account. `password_hash` carries the name of its scheme in front. Times are UTC.

    `blocked_at` is when an administrator shut it out.
    """

    user_id: str
    role: Role
    created_at: datetime
    password_hash: str
    nickname: str | None = None
    email: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    phone: str | None = None
    age: int | None = None
    blocked_at: datetime | None = None
    password_changed_at: datetime | None = None
    second_factor: SecondFactor | None = None
    sessions: tuple[Session, ...] = ()


def nickname_key(nickname: str) -> str:
    """Return what two look-alike nicknames share (Unicode NFKC and case folding, as in RFC 8265)."""
    if nickname.isascii():
        return nickname.lower()  # the same, in a tenth of the time
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", nickname).casefold())


def email_key(email: str) -> str:
    """Return what two spellings of one address share; the whole address is folded, as mail providers do."""
    return nickname_key(email)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(User)


def encode(user: User) -> bytes:
    """Return the user as indented JSON, for people who read the file."""
    return msgspec.json.format(_encoder.encode(user), indent=2) + b"\n"


def decode(raw: bytes) -> User:
    """Return the user of a file; msgspec.ValidationError where it is not one."""
    return _decoder.decode(raw)
