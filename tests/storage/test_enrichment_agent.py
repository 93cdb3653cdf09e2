"""What is derived of a user agent."""

import pytest

from storage.enrichment.agent import USER_AGENT_CHARS_MAX, Agent, agent_of

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64"

PEOPLE = {
    f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36": ("Chrome", "142", "Windows", "desktop"),
    f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0": ("Edge", "142", "Windows", "desktop"),
    f"{WINDOWS} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0": ("Opera", "116", "Windows", "desktop"),
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko": ("IE", "11", "Windows", "desktop"),
    f"{MAC} Version/18.1 Safari/605.1.15": ("Safari", "18", "macOS", "desktop"),
    f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1": ("Safari", "18", "iOS", "mobile"),
    f"{IPHONE} CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1": ("Chrome", "125", "iOS", "mobile"),
    f"{IPHONE} FxiOS/125.0 Mobile/15E148 Safari/605.1.15": ("Firefox", "125", "iOS", "mobile"),
    f"{IPHONE} Mobile/15E148 Instagram 325.0.3.34.90 (iPhone14,5; iOS 18_1)": ("Instagram", "325", "iOS", "mobile"),
    f"{IPHONE} Mobile/15E148 [Pinterest/iOS]": ("Pinterest", None, "iOS", "mobile"),
    f"{IPHONE.replace('iPhone; CPU iPhone', 'iPad; CPU')} Version/16.6 Mobile/15E148 Safari/604.1": (
        "Safari",
        "16",
        "iOS",
        "tablet",
    ),
    f"{ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36": ("Chrome", "142", "Android", "mobile"),
    f"{ANDROID} Chrome/142.0.0.0 Safari/537.36": ("Chrome", "142", "Android", "tablet"),
    f"{ANDROID} SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36": (
        "Samsung Internet",
        "23",
        "Android",
        "mobile",
    ),
    f"{ANDROID.replace('K)', 'CUBOT NOTE 20)')} Chrome/120.0.0.0 Mobile Safari/537.36": (
        "Chrome",
        "120",
        "Android",
        "mobile",
    ),
    "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0": ("Firefox", "133", "Android", "mobile"),
    "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; id) Presto/2.12.423 Version/12.16": (
        "Opera Mini",
        "36",
        "Android",
        "mobile",
    ),
    f"{LINUX}; rv:133.0) Gecko/20100101 Firefox/133.0": ("Firefox", "133", "Linux", "desktop"),
    f"{LINUX.replace('Linux', 'Ubuntu; Linux')}; rv:133.0) Gecko/20100101 Firefox/133.0": (
        "Firefox",
        "133",
        "Linux",
        "desktop",
    ),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36": (
        "Chrome",
        "120",
        "Chrome OS",
        "desktop",
    ),
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/6.0 TV Safari/538.1": (
        "Safari",
        "6",
        "Tizen",
        "tv",
    ),
    "Mozilla/5.0 (Linux; Android 9; AFTS) AppleWebKit/537.36 (KHTML, like Gecko) Silk/98.6.10 like Chrome/98.0.4758.136 Safari/537.36": (
        "Amazon Silk",
        "98",
        "Android",
        "tv",
    ),
    "python-requests/2.31.0": ("Python Requests", "2", "Other", "other"),
    "Python/3.11 aiohttp/3.14.0": ("Python aiohttp", "3", "Other", "other"),
    "okhttp/4.12.0": ("okhttp", "4", "Other", "other"),
    "curl/8.5.0": ("curl", "8", "Other", "other"),
    "analytics-node/2.1.0": ("Other", None, "Other", "other"),
    "my cubot": ("Other", None, "Other", "other"),
    "": ("Other", None, "Other", "other"),
}

CRAWLERS = {
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "Googlebot",
    f"{ANDROID} Chrome/W.X.Y.Z Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "Googlebot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.1; +https://openai.com/gptbot)": "GPTBot",
    f"{LINUX}) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36": "HeadlessChrome",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": "facebookexternalhit",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": "Slackbot",
    "UptimeRobot/2.0": "UptimeRobot",
    "Mozilla/5.0 (compatible; AcmeSpider/3)": "AcmeSpider",
    "acme-bot": "acme-bot",
    "Cubot/1 (acme crawler)": "crawler",
}

HOSTILE = {
    "nested brackets": "(" * USER_AGENT_CHARS_MAX,
    "words without an end": "Mozilla/5.0 (" + "a " * 250,
    "digits without an end": "Mozilla/5.0 (Linux; Android " + "1" * 480,
    "crawlers without an end": "bot" * 170,
    "almost a crawler, again and again": "bo." * 170,
    "control characters": "\x00\x1b[31m" * 64,
    "what is drawn as nothing": "\u202e\u200b" * 200,
    "beyond the basic plane": "\U0001f600" * USER_AGENT_CHARS_MAX,
    "a quote and a comment": "'; DROP TABLE agent; --",
}


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_browser_system_and_device_are_told(user_agent: str) -> None:
    assert agent_of(user_agent) == Agent(*PEOPLE[user_agent], None)


@pytest.mark.parametrize("user_agent", CRAWLERS)
def test_a_crawler_is_told_by_its_name(user_agent: str) -> None:
    assert agent_of(user_agent).bot == CRAWLERS[user_agent]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_some_agent(name: str) -> None:
    found = agent_of(HOSTILE[name])
    assert all(part is None or len(part) <= USER_AGENT_CHARS_MAX for part in found)
