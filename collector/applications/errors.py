"""What can be wrong with what is asked of applications, each with its stable code."""

from collector.wire.problem import RequestError


class AppUnknown(RequestError):
    """There is no application of this app_code, or it is another's: whose it is nobody learns (404)."""

    code = "app_unknown"

    def __init__(self) -> None:
        super().__init__("there is no such application")


class TokenUnknown(RequestError):
    """The application has no token of this token_id (404)."""

    code = "token_unknown"

    def __init__(self) -> None:
        super().__init__("the application has no such token")


class DefinitionUnknown(RequestError):
    """The application has no event definition of this event_code (404)."""

    code = "definition_unknown"

    def __init__(self) -> None:
        super().__init__("the application has no such event definition")


class LastToken(RequestError):
    """Nothing could write to the application any more (409)."""

    code = "last_token"

    def __init__(self) -> None:
        super().__init__("this is the only api_token; rotate first, or delete the application")


class TooManyApps(RequestError):
    """The user has `applications.apps_per_user_max` applications (409)."""

    code = "too_many_apps"


class TooManyTokens(RequestError):
    """The application has all the tokens it may have (409); revoke one first."""

    code = "too_many_tokens"


class TooManyDefinitions(RequestError):
    """The application would have over `applications.definitions_max` event definitions (409)."""

    code = "too_many_definitions"
