"""What accounts take and answer: sign-up by nickname (R0) or by e-mail (R1, R3), sign-in, the profile."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Literal, Self

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from collector.wire.body import decode
from collector.wire.model import parse
from collector.wire.otp import Otp
from collector.wire.problem import BodyInvalid, FieldError

NAME_LENGTH_MAX = 64
EMAIL_LENGTH_MAX = 254
"""RFC 5321, section 4.5.3.1.3, without the angle brackets."""
PHONE_LENGTH_MAX = 32
AGE_MIN, AGE_MAX = 13, 150
PASSWORD_BYTES_MAX = 4096

BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the text around them (Unicode UAX #9)."""
CONTROL = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that no line of text holds: controls, surrogates, line and paragraph separators."""

UNFIT = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Both together as a class of a regular expression, for JSON Schema."""
LINE_PATTERN = rf"^(?!\s)[^{UNFIT}]*(?<!\s)$"
EMAIL_PATTERN = rf"^[^@\s{UNFIT}]+@[^@\s{UNFIT}]+$"

IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""What is drawn as nothing besides the category Cf: Default_Ignorable_Code_Point (UAX #44), and the empty Braille cell."""

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _one_line(text: str) -> str:
    if any(character in BIDI or unicodedata.category(character) in CONTROL for character in text):
        raise PydanticCustomError("control_character", "should have no control characters")
    if text != text.strip():
        raise PydanticCustomError("outer_space", "should not begin or end with a space")
    return text


def _visible(nickname: str) -> str:
    # A zero-width joiner has a place in a person's name; in a nickname it only makes two look like one.
    if IGNORABLE.search(nickname) or any(unicodedata.category(character) == "Cf" for character in nickname):
        raise PydanticCustomError("invisible_character", "should have no invisible characters")
    return nickname


def _address(email: str) -> str:
    if not EMAIL.fullmatch(email):
        raise PydanticCustomError("email_invalid", "should be an e-mail address")
    return email


LINE: JsonDict = {"pattern": LINE_PATTERN}
PersonName = Annotated[
    str, Field(min_length=1, max_length=NAME_LENGTH_MAX, json_schema_extra=LINE), AfterValidator(_one_line)
]
Nickname = Annotated[PersonName, AfterValidator(_visible)]
Email = Annotated[
    str,
    Field(max_length=EMAIL_LENGTH_MAX, json_schema_extra={"pattern": EMAIL_PATTERN}),
    AfterValidator(_one_line),
    AfterValidator(_address),
]
Age = Annotated[int, Field(ge=AGE_MIN, le=AGE_MAX)]
Phone = Annotated[
    str, Field(min_length=1, max_length=PHONE_LENGTH_MAX, json_schema_extra=LINE), AfterValidator(_one_line)
]


class Body(BaseModel):
    """Unknown members are refused and nothing is converted; the password is not shown when a model is printed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    password: SecretStr


class NicknameSignup(Body):
    """R0's sign-up: every member is needed."""

    firstname: PersonName
    lastname: PersonName
    nickname: Nickname
    age: Age


class EmailSignup(Body):
    """R1's and R3's sign-up; `name` is the first name, `surname` the last."""

    email: Email
    name: PersonName
    surname: PersonName | None = None
    phone: Phone | None = None


def _either(sent: str, left_out: str) -> JsonDict:
    return {"required": [sent], "properties": {sent: {"type": "string"}, left_out: {"type": "null"}}}


class Signin(Body):
    """A sign-in by nickname or by e-mail; what could be nobody's name is still only a wrong one."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_either("nickname", "email"), _either("email", "nickname")]})

    nickname: Annotated[str, Field(max_length=EMAIL_LENGTH_MAX)] | None = None
    email: Annotated[str, Field(max_length=EMAIL_LENGTH_MAX)] | None = None
    otp: Otp | None = None

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.nickname is None) == (self.email is None):
            raise PydanticCustomError("nickname_or_email", "send either nickname or email")
        return self


class _Names(msgspec.Struct):
    nickname: object = None
    email: object = None


_names = msgspec.json.Decoder(_Names)
_nickname = TypeAdapter(Nickname)


def read_signup(raw: bytes) -> NicknameSignup | EmailSignup:
    """Return the sign-up of whichever form it is: an `email` without a `nickname` makes it the e-mail form."""
    names = decode(raw, _names)
    if names.email is not None and names.nickname is None:
        return parse(raw, EmailSignup)
    return parse(raw, NicknameSignup)


def require_nickname(nickname: str) -> None:
    """Raise BodyInvalid for a nickname that nobody may have; for one that comes by another way than a body."""
    try:
        _nickname.validate_python(nickname)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise BodyInvalid([FieldError("$.nickname", one["type"], one["msg"]) for one in found]) from None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A user as shown to itself; `password_changed_at` is left out while the password is that of the sign-up."""

    user_id: str
    role: str
    nickname: str | None = None
    email: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    age: int | None = None
    phone: str | None = None
    password_changed_at: datetime | None = None


class Refreshed(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The tokens of a session (RFC 6749, section 5.1, the access token under R1's name); `expires_in` is in seconds.

    There is no `refresh_token` where a jwt_token was sent for another one.
    """

    jwt_token: str
    expires_in: int
    token_type: str
    refresh_token: str | None = None


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a new session, and whose it is."""

    jwt_token: str
    refresh_token: str
    expires_in: int
    user: Profile
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme


class SignoutQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which sessions a sign-out ends."""

    scope: Literal["session", "others", "all"] = "session"


class OwnSession(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own sessions; `current` is that of the request's token, `peer` the address of its sign-in.

    `last_seen_at` is when it was last refreshed, or began.
    """

    sid: str
    current: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    peer: str
    user_agent: str


class OwnSessions(msgspec.Struct, frozen=True, kw_only=True):
    """One's own sessions, the newest first."""

    sessions: list[OwnSession]
