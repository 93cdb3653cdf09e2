"""The token that a request carries (RFC 6750, section 2.1); there is no other place for one."""

from aiohttp import hdrs, web

from collector.identity.caller import TokenInvalid, TokenMissing
from collector.identity.errors import AuthorizationRepeated


def bearer(request: web.Request) -> str | None:
    """Return the token, None where there is none.

    Raises:
        AuthorizationRepeated: there are two Authorization headers.
        TokenInvalid: there is nothing behind the word Bearer.
    """
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    if len(headers) > 1:
        raise AuthorizationRepeated("send one Authorization header")
    scheme, _, token = (headers[0] if headers else "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    if not token:
        raise TokenInvalid("there is no token after Bearer")
    return token


def required_bearer(request: web.Request) -> str:
    """Return the token as `bearer` does; TokenMissing where there is none."""
    token = bearer(request)
    if token is None:
        raise TokenMissing("this route needs an Authorization: Bearer token")
    return token
