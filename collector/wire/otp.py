"""What the routes of the second factor take and answer."""

from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr

OTP_LENGTH_MAX = 64

Otp = Annotated[SecretStr, Field(max_length=OTP_LENGTH_MAX)]
"""A code of an authenticator app, or a recovery code."""


class Form(BaseModel):
    """Unknown members are refused and nothing is converted; secrets are not shown when a model is printed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class OtpStart(Form):
    """Of POST /auth/otp; without the password it is refused, as 403."""

    password: SecretStr | None = None


class OtpConfirmation(Form):
    """Of POST /auth/otp/confirm: what the app shows."""

    otp: Otp


class OtpEnd(Form):
    """Of DELETE /auth/otp; without both it is refused, as 403, but a set-up that was not confirmed needs no code."""

    password: SecretStr | None = None
    otp: Otp | None = None


class OtpSetup(msgspec.Struct, frozen=True):
    """For the app: its secret in base32, and the same in an address that is to be shown as a QR code."""

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Each signs in once in place of the app; they are shown this one time."""

    recovery_codes: list[str]
