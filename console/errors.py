"""What can go wrong between a terminal and its daemon; every text is one clean line for a person."""


class ConsoleError(Exception):
    """A command could not be done."""


class Unreachable(ConsoleError):
    """Nobody answers at the URL, or not in time."""


class AnswerUnreadable(ConsoleError):
    """What answered does not speak as a daemon of this version does."""


class Refused(ConsoleError):
    """The daemon said no with a problem; `status` is its HTTP status, `code` its stable code."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code


OTP_REQUIRED = "otp_required"
"""The code of a sign-in whose password is right and that needs a second factor too."""


class TokenUnusable(ConsoleError):
    """The token or its file cannot be used."""


class UsageError(ConsoleError):
    """The command cannot be meant as it was given."""
