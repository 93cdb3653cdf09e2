"""Codes of the moment: TOTP (RFC 6238) with SHA-1, 6 digits and 30 seconds, which every authenticator app knows."""

import base64
import re
import secrets
from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError

SECRET_BYTES = 20
"""RFC 4226, section 4, R6: 160 bits, the length of SHA-1's output."""
DRIFT_STEPS = 1
"""How many steps a clock may be off, or a code late, either way (RFC 6238, section 5.2)."""

_CODE = re.compile(r"[0-9]{3} ?[0-9]{3}")
"""Apps show a code in two halves."""


def new_secret() -> bytes:
    """Return the secret of another authenticator."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret as people type it into an app: in base32, 32 characters."""
    return base64.b32encode(secret).decode("ascii")


def uri(secret: bytes, *, account: str, site_name: str) -> str:
    """Return the otpauth:// address that an app reads from a picture (the Key URI format of Google Authenticator)."""
    return pyotp.TOTP(shown(secret), name=account, issuer=site_name).provisioning_uri()


def is_code(otp: str) -> bool:
    """Return whether it looks like one."""
    return _CODE.fullmatch(otp) is not None


def step_of(secret: bytes, code: str, at: datetime) -> int | None:
    """Return which step of 30 seconds since 1970 the code belongs to, None where it is of no step around `at`."""
    if not is_code(code):
        return None
    try:
        return pyotp.TOTP(shown(secret)).verify_and_get_timecode(
            code.replace(" ", ""), for_time=at, valid_window=DRIFT_STEPS
        )
    except OTPVerificationError:
        return None
