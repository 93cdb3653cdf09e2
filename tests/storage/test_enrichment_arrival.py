"""What is derived of the referrer and of the members of a page's address."""

from typing import get_args

import pytest

from storage.enrichment.arrival import arrival_of
from storage.enrichment.channels import RULES, Channel
from storage.enrichment.landing import CLICKS, Landing


def tagged(source: str, medium: str | None = None, campaign: str | None = None) -> Landing:
    return Landing(utm_source=source, utm_medium=medium, utm_campaign=campaign)


HOSTS = {
    "google.com": ("google", "Organic Search"),
    "google.de": ("google", "Organic Search"),
    "google.co.uk": ("google", "Organic Search"),
    "google.com.br": ("google", "Organic Search"),
    "news.google.com": ("google", "Organic Search"),
    "mail.google.com": ("gmail", "Email"),
    "gemini.google.com": ("gemini", "AI Assistant"),
    "com.google.android.gm": ("gmail", "Email"),
    "search.yahoo.co.jp": ("yahoo", "Organic Search"),
    "uk.search.yahoo.com": ("yahoo", "Organic Search"),
    "mail.yahoo.com": ("yahoo-mail", "Email"),
    "bing.com": ("bing", "Organic Search"),
    "search.brave.com": ("brave", "Organic Search"),
    "brave.com": ("brave.com", "Referral"),
    "t.co": ("x", "Organic Social"),
    "l.facebook.com": ("facebook", "Organic Social"),
    "news.ycombinator.com": ("hackernews", "Organic Social"),
    "youtu.be": ("youtube", "Organic Video"),
    "amazon.co.jp": ("amazon", "Organic Shopping"),
    "chatgpt.com": ("chatgpt", "AI Assistant"),
    "news.example": ("news.example", "Referral"),
    "[2001:db8::1]": ("[2001:db8::1]", "Referral"),
    "google.evil.example": ("google.evil.example", "Referral"),
    "google.example.com": ("google.example.com", "Referral"),
    "notgoogle.com": ("notgoogle.com", "Referral"),
    "google": ("google", "Referral"),
    "t.co.evil.example": ("t.co.evil.example", "Referral"),
    ".": (".", "Referral"),
    "..com": ("..com", "Referral"),
}

TAGGED = {
    "a search engine that is paid": (tagged("google", "cpc"), "google", "Paid Search"),
    "a paid search with another word": (tagged("bing", "paid-search"), "bing", "Paid Search"),
    "a social network that is paid": (tagged("fb", "paid_social"), "facebook", "Paid Social"),
    "a video that is paid": (tagged("youtube", "cpv"), "youtube", "Paid Video"),
    "a shop that is paid": (tagged("google", "cpc", "Shopping spring"), "google", "Paid Shopping"),
    "a banner": (tagged("partner.example", "banner"), "partner.example", "Display"),
    "banners by the thousand": (tagged("partner.example", "cpm"), "partner.example", "Display"),
    "something that is paid": (tagged("partner.example", "ppc"), "partner.example", "Paid Other"),
    "a newsletter": (tagged("newsletter"), "newsletter", "Email"),
    "a mail of anybody": (tagged("autumn", "email"), "autumn", "Email"),
    "a partner": (tagged("partner", "affiliate"), "partner", "Affiliates"),
    "a short message": (tagged("twilio", "sms"), "twilio", "SMS"),
    "a push message": (tagged("app", "web-push"), "app", "Push"),
    "a podcast": (tagged("podcast", "audio"), "podcast", "Audio"),
    "a social medium": (tagged("someone", "social"), "someone", "Organic Social"),
    "a video of somebody": (tagged("someone", "video"), "someone", "Organic Video"),
    "a search of somebody": (tagged("someone", "organic"), "someone", "Organic Search"),
    "a shopping campaign": (tagged("someone", None, "shop"), "someone", "Organic Shopping"),
    "a campaign about workshops": (tagged("someone", "referral", "workshop"), "someone", "Referral"),
    "a link": (tagged("someone", "link"), "someone", "Referral"),
    "a host": (tagged("www.news.example"), "www.news.example", "Other"),
    "a listed host": (tagged("m.facebook.com"), "facebook", "Organic Social"),
    "nothing that a rule knows": (tagged("poster", "street"), "poster", "Other"),
    "a medium alone": (Landing(utm_medium="email"), None, "Email"),
    "a campaign alone": (Landing(utm_campaign="spring"), None, "Direct"),
    "a medium with its referrer": (Landing("news.example", utm_medium="email"), "news.example", "Email"),
    "a source before the referrer": (Landing("bing.com", utm_source="poster"), "poster", "Referral"),
    "a source before the click": (Landing(utm_source="poster", click="gclid"), "poster", "Paid Other"),
    "nothing": (Landing(), None, "Direct"),
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_referrer_gives_source_and_channel(host: str) -> None:
    assert arrival_of(Landing(host))[:3] == (*HOSTS[host], False)


@pytest.mark.parametrize("name", TAGGED)
def test_the_members_of_a_link_give_source_and_channel(name: str) -> None:
    landing, source, channel = TAGGED[name]
    assert arrival_of(landing)[:2] == (source, channel)


@pytest.mark.parametrize("click", CLICKS)
def test_a_click_names_its_network(click: str) -> None:
    source, is_paid = CLICKS[click]
    found = arrival_of(Landing(click=click))
    assert (found.source, found.channel.startswith("Paid")) == (source, is_paid)


@pytest.mark.parametrize("host", ["semalt.com", "ru.semalt.com", "buttons-for-website.com"])
def test_a_referrer_that_sends_requests_to_be_seen_is_spam(host: str) -> None:
    assert arrival_of(Landing(host)).is_spam


@pytest.mark.parametrize("host", ["notsemalt.com", "semalt.com.example", "com", ""])
def test_what_only_looks_like_a_spammer_is_none(host: str) -> None:
    assert not arrival_of(Landing(host)).is_spam


def test_every_channel_has_one_rule() -> None:
    assert [channel for channel, _ in RULES] == list(get_args(Channel))


def test_a_host_of_many_labels_is_some_source() -> None:
    assert arrival_of(Landing("a." * 126 + "example")).channel == "Referral"
