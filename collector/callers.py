"""Who may call, and the routes of accounts: with users of our own, or with an outside identity provider's."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from collector.adapters import Identity
from collector.administration.users import UserAnswers
from collector.identity.caller import Authenticate
from collector.identity.erasure import Erasure
from collector.identity.handlers import Authentication
from collector.identity.key_set import KeySetAnswers
from collector.identity.origin import Origins
from collector.identity.otp_handlers import OtpAnswers
from collector.identity.own_export import OwnExports
from collector.identity.profile_handlers import ProfileAnswers
from collector.identity.provider import Provider
from collector.identity.provider_answers import ProviderAnswers
from collector.identity.session_handlers import SessionAnswers
from collector.identity.signing_keys import SigningKey
from collector.problems import Forbidden
from collector.routes import Route
from storage.account_ports import AppStore
from storage.ports import EventStore


class Callers(NamedTuple):
    """What says who sends a request, what puts its refusal on record, and the routes of accounts."""

    authenticate: Authenticate
    forbidden: Forbidden
    routes: list[Route]


def callers_of(
    identity: Identity,
    erasure: Erasure,
    provider: Provider | None,
    keys: Sequence[SigningKey],
    *,
    apps: AppStore,
    store: EventStore,
    origins: Origins,
    clock: Callable[[], datetime],
) -> Callers:
    """Return the provider's users, to whom nothing can be done here, or without a provider those of our own."""
    if provider is not None:
        provided = ProviderAnswers(provider, origins, identity.sessions.forbid)
        return Callers(provided.authenticate, provided.forbidden, provided.routes())
    own = SessionAnswers(identity.sessions, origins)
    profiles, users, log = identity.profiles, identity.users, identity.audit_log
    routes = [
        *own.routes(),
        *Authentication(identity.accounts, origins).routes(),
        *ProfileAnswers(profiles, erasure, origins).routes(),
        *OtpAnswers(identity.second_factors, origins).routes(),
        *OwnExports(profiles, users, apps, store, log, audit=identity.audit, origins=origins, clock=clock).routes(),
        *KeySetAnswers(keys).routes(),
        *UserAnswers(
            users, identity.sessions, identity.standings, erasure, store=store, origins=origins, clock=clock
        ).routes(),
    ]
    return Callers(own.authenticate, own.forbidden, routes)
