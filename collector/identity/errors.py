"""What can be wrong with a sign-up, a sign-in or an Authorization header."""

from collector.identity.caller import AccessError
from collector.wire.problem import RequestError


class CredentialsWrong(AccessError):
    """Unknown name or wrong password (401); the answer is the same, byte for byte."""

    code = "credentials_wrong"

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong")


class NameTaken(RequestError):
    """The nickname or e-mail belongs to another user (409); the code is `nickname_taken` or `email_taken`."""

    def __init__(self, field: str) -> None:
        super().__init__(f"this {field} is taken")
        self.code = f"{field}_taken"


class HashQueueFull(RequestError):
    """Too many passwords wait for their hash (503)."""

    code = "hash_queue_full"


class AuthorizationRepeated(RequestError):
    """More than one Authorization header: whose request it is cannot be said (400)."""

    code = "authorization_repeated"
