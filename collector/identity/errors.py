"""What can be wrong with what is asked of accounts, each with its stable code."""

from collector.identity.caller import AccessError, TokenInvalid
from collector.wire.problem import RequestError


class CredentialsWrong(AccessError):
    """Unknown name or wrong password (401); the answer is the same, byte for byte."""

    code = "credentials_wrong"

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong")


class PasswordWrong(AccessError):
    """The caller's own password, which the request needs, is another one (403)."""

    code = "password_wrong"

    def __init__(self) -> None:
        super().__init__("the password is wrong")


class ReauthenticationRequired(AccessError):
    """What is asked could take the account over: a token alone does not do for it (403)."""

    code = "reauthentication_required"

    def __init__(self, proof: str = "your password as current_password, or sign in again") -> None:
        super().__init__(f"send {proof}")


class OtpRequired(AccessError):
    """Sign-in: the password is right, and the account has a second factor (401)."""

    code = "otp_required"

    def __init__(self) -> None:
        super().__init__("send the code of your authenticator app, or a recovery code, as otp")


class OtpInvalid(AccessError):
    """Sign-in: the password is right, the code is not, or was used before (401)."""

    code = "otp_invalid"

    def __init__(self) -> None:
        super().__init__("the code is wrong or was used before")


class OtpWrong(AccessError):
    """The caller's own code, which the request needs, is another one or was used before (403)."""

    code = "otp_wrong"

    def __init__(self) -> None:
        super().__init__("the code is wrong or was used before")


class OtpOn(RequestError):
    """The caller has a second factor already (409)."""

    code = "otp_on"

    def __init__(self) -> None:
        super().__init__("there is a second factor already; switch it off first")


class OtpOff(RequestError):
    """The caller has no second factor that could be confirmed or switched off (409)."""

    code = "otp_off"

    def __init__(self) -> None:
        super().__init__("there is no second factor; begin with POST /auth/otp")


class SessionExpired(TokenInvalid):
    """The session has had no refresh for too long, or has reached its absolute end (401)."""

    code = "session_expired"

    def __init__(self) -> None:
        super().__init__("the session has ended; sign in again")


class RefreshReused(TokenInvalid):
    """The refresh token has a successor already: the session has been ended (401)."""

    code = "refresh_token_reused"

    def __init__(self) -> None:
        super().__init__("this refresh token has been used before, so its session has ended; sign in again")


class SessionUnknown(RequestError):
    """The caller has no such session (404)."""

    code = "session_unknown"

    def __init__(self) -> None:
        super().__init__("there is no such session")


class UserUnknown(RequestError):
    """There is no user of this id (404)."""

    code = "user_unknown"

    def __init__(self) -> None:
        super().__init__("there is no such user")


class LastAdmin(RequestError):
    """Nobody could administer the site any more (409)."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("this is the last administrator; make another one first")


class NameTaken(RequestError):
    """The nickname or e-mail belongs to another user (409); the code is `nickname_taken` or `email_taken`."""

    def __init__(self, field: str) -> None:
        super().__init__(f"this {field} is taken")
        self.code = f"{field}_taken"


class HashQueueFull(RequestError):
    """Too many passwords wait for their hash (503)."""

    code = "hash_queue_full"


class IdentityUnreachable(AccessError):
    """The outside identity provider did not say whose token it is (503); without that nobody is let in."""

    code = "identity_unreachable"


class AuthorizationRepeated(RequestError):
    """More than one Authorization header: whose request it is cannot be said (400)."""

    code = "authorization_repeated"
