"""What one's own profile takes: its changes."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from collector.wire.accounts import Age, Email, Nickname, PersonName, Phone


def _not_sent() -> SecretStr:
    return SecretStr("")


class ProfilePatch(BaseModel):
    """Of PATCH /auth/me: members that are not sent stay as they are, and null takes one away.

    A password cannot be taken away; whether one was sent is in `model_fields_set`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    nickname: Nickname | None = None
    email: Email | None = None
    firstname: PersonName | None = None
    lastname: PersonName | None = None
    age: Age | None = None
    phone: Phone | None = None
    password: SecretStr = Field(default_factory=_not_sent)
    current_password: SecretStr = Field(default_factory=_not_sent)
