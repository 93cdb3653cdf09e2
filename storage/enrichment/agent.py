"""What a user agent tells of a program: browser, system, kind of device, and whether it is a crawler."""

import functools
from typing import Literal, NamedTuple

from ua_parser import Domain, load_lazy_builtins
from ua_parser.regex import Resolver

from storage.enrichment.crawlers import crawler_of

USER_AGENT_CHARS_MAX = 512
"""So much of a user agent is looked at and kept."""

Device = Literal["desktop", "mobile", "tablet", "tv", "other"]

UNKNOWN = "Other"
"""Of a program that no rule knows."""

BROWSERS = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Chrome Mobile iOS": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari WebView",
    "Opera Mobile": "Opera",
}
"""One name for a browser on every device, where ua-parser has several."""

SYSTEMS = {"Mac OS X": "macOS", "Ubuntu": "Linux", "Fedora": "Linux", "Debian": "Linux"}

TV_MARKS = (
    "SMART-TV",
    "SmartTV",
    "Smart TV",
    "GoogleTV",
    "AppleTV",
    "Apple TV",
    "HbbTV",
    "BRAVIA",
    "Roku",
    " AFT",
    "Web0S",
)
TABLET_MARKS = ("iPad", "Tablet", "Kindle", "Silk/", "PlayBook")
MOBILE_MARKS = ("Mobile", "iPhone", "iPod", "Windows Phone", "Opera Mini", "BlackBerry")
DESKTOP_SYSTEMS = frozenset({"Windows", "macOS", "Linux", "Chrome OS", "FreeBSD", "OpenBSD", "NetBSD"})


class Agent(NamedTuple):
    """What is derived of one user agent; `version` is the browser's major one, `bot` the crawler's name."""

    browser: str
    version: str | None
    os: str
    device: Device
    bot: str | None


def agent_of(user_agent: str) -> Agent:
    """Return what the text tells; every rule takes a time that grows with its length, which is bounded by the caller.

    The rules of ua-parser run in its compiled backend, whose expressions do not backtrack.
    """
    found = _resolver()(user_agent, Domain.USER_AGENT | Domain.OS)
    browser = found.user_agent.family if found.user_agent else UNKNOWN
    system = found.os.family if found.os else UNKNOWN
    system = SYSTEMS.get(system, system)
    return Agent(
        browser=BROWSERS.get(browser, browser),
        version=found.user_agent.major if found.user_agent else None,
        os=system,
        device=_device(user_agent, system),
        bot=crawler_of(user_agent),
    )


def _device(user_agent: str, system: str) -> Device:
    if any(mark in user_agent for mark in TV_MARKS):
        return "tv"
    if any(mark in user_agent for mark in TABLET_MARKS):
        return "tablet"
    if any(mark in user_agent for mark in MOBILE_MARKS):
        return "mobile"
    # An Android that does not call itself mobile is a tablet: so Chrome and Firefox say.
    if system == "Android":
        return "tablet"
    return "desktop" if system in DESKTOP_SYSTEMS else "other"


@functools.cache
def _resolver() -> Resolver:
    """Compile the rules at the first use; those of device models are left out, which take most of the memory."""
    browsers, systems, _ = load_lazy_builtins()
    return Resolver((browsers, systems, []))
