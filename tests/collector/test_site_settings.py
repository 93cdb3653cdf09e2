"""The built-in application as the operator sets it."""

import pytest

from collector.applications.built_in import built_in_app
from collector.config import ConfigError, load_settings

SECTION = """[site]
origins = ["https://shop.example", "http://localhost:3000"]
hostnames = ["shop.example"]
visitors = "cookieless"
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_built_in_application_is_what_the_section_says(here):
    (here / "config.toml").write_text(SECTION)
    site = load_settings(None, {}).site
    app = built_in_app(site.origins, site.hostnames, site.visitors)
    assert app.is_built_in
    assert app.owner_id is None
    assert app.origins == ("https://shop.example", "http://localhost:3000")
    assert (app.hostnames, app.visitors, app.mode) == (("shop.example",), "cookieless", "off")


def test_a_variable_lists_between_commas():
    environ = {"FOOTFALL_SITE__ORIGINS": "https://a.example, https://b.example", "FOOTFALL_SITE__HOSTNAMES": ""}
    site = load_settings(None, environ).site
    assert (site.origins, site.hostnames) == (("https://a.example", "https://b.example"), ())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("origins", "*"),
        ("origins", "null"),
        ("origins", "https://a.example/"),
        ("origins", "https://A.example"),
        ("origins", "https://a.example:443"),
        ("origins", "https://*.example"),
        ("origins", "https://" + "a" * 300),
        ("hostnames", "https://a.example"),
        ("hostnames", "a.example:80"),
        ("hostnames", "a" * 254),
        ("hostnames", "*.example"),
        ("visitors", "fingerprint"),
    ],
)
def test_what_cannot_be_meant_keeps_the_daemon_from_starting(here, key, value):
    listed = f'["{value}"]' if key != "visitors" else f'"{value}"'
    (here / "config.toml").write_text(f"[site]\n{key} = {listed}\n")
    with pytest.raises(ConfigError, match=rf"^config.toml:2: site\.{key}") as caught:
        load_settings(None, {})
    assert "\n" not in str(caught.value)
