"""The channels that visits are grouped by, and the rules of each, in their order."""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from storage.enrichment.sources import Kind

Channel = Literal[
    "Direct",
    "Paid Shopping",
    "Paid Search",
    "Paid Social",
    "Paid Video",
    "Display",
    "Paid Other",
    "Affiliates",
    "Email",
    "SMS",
    "Push",
    "Audio",
    "Organic Shopping",
    "Organic Social",
    "Organic Video",
    "Organic Search",
    "AI Assistant",
    "Referral",
    "Other",
]

PAID = re.compile(r"cp.*|.*[_-]cp[acmv]|ppc|retargeting|paid.*")
DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
SOCIAL = frozenset(
    {
        "social",
        "social-network",
        "social_network",
        "social-media",
        "social_media",
        "social network",
        "social media",
        "sm",
    }
)
EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail", "newsletter"})
SHOPPING = re.compile(r"(?:.*[^a-df-z])?shop(?:ping)?.*")


class Traffic(NamedTuple):
    """What the rules look at: `kind` is that of the source, `medium` and `campaign` are in lower case, "" for none."""

    is_tagged: bool
    has_referrer: bool
    kind: Kind | None
    medium: str
    campaign: str
    is_paid_click: bool

    @property
    def is_paid(self) -> bool:
        """Whether somebody paid for the visit."""
        return self.is_paid_click or PAID.fullmatch(self.medium) is not None

    @property
    def is_shopping(self) -> bool:
        """Whether a shopping site or a shopping campaign sent the visitor."""
        return self.kind == "shopping" or SHOPPING.fullmatch(self.campaign) is not None


RULES: tuple[tuple[Channel, Callable[[Traffic], bool]], ...] = (
    ("Direct", lambda one: not one.is_tagged and not one.has_referrer),
    ("Paid Shopping", lambda one: one.is_paid and one.is_shopping),
    ("Paid Search", lambda one: one.is_paid and one.kind == "search"),
    ("Paid Social", lambda one: one.is_paid and one.kind == "social"),
    ("Paid Video", lambda one: one.is_paid and one.kind == "video"),
    ("Display", lambda one: one.medium in DISPLAY),
    ("Paid Other", lambda one: one.is_paid),
    ("Affiliates", lambda one: one.medium in ("affiliate", "affiliates")),
    ("Email", lambda one: one.medium in EMAIL or one.kind == "email"),
    ("SMS", lambda one: one.medium == "sms"),
    ("Push", lambda one: one.medium.endswith("push") or "notification" in one.medium),
    ("Audio", lambda one: one.medium == "audio"),
    ("Organic Shopping", lambda one: one.is_shopping),
    ("Organic Social", lambda one: one.kind == "social" or one.medium in SOCIAL),
    ("Organic Video", lambda one: one.kind == "video" or "video" in one.medium),
    ("Organic Search", lambda one: one.kind == "search" or one.medium == "organic"),
    ("AI Assistant", lambda one: one.kind == "ai"),
    ("Referral", lambda one: one.has_referrer or one.medium in ("referral", "app", "link")),
    ("Other", lambda _: True),
)
"""The first that holds counts. They follow the default channel group of Google Analytics 4, with e-mail before what the
referrer tells: web mail sends one too.
"""


def channel_of(traffic: Traffic) -> Channel:
    """Return the channel of a visit that began so."""
    return next(channel for channel, holds in RULES if holds(traffic))
