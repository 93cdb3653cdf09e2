"""Settings and secrets, through the two functions that the composition root calls."""

import re
import secrets as random
from pathlib import Path

import pytest

from collector.config import OLD_SECRET_KEYS_MAX, ConfigError, load_secrets, load_settings
from collector.settings import ORDERED, SECTIONS, Settings

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
KEYS = [(section, key) for section, model in SECTIONS.items() for key in model.model_fields]
KEY, PEPPER = random.token_urlsafe(48), random.token_urlsafe(48)


@pytest.fixture(autouse=True)
def _empty_room(tmp_path, monkeypatch):
    """Every test starts in a directory without files, and without secrets in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("SECRET_KEY", "PASSWORD_PEPPER", "ALGORITHM", "ACCESS_TOKEN_EXPIRE_MINUTES", "OLD_SECRET_KEYS"):
        monkeypatch.delenv(name, raising=False)


def written(text, name="config.toml", mode=0o600):
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def env_file(mode=0o600, **changed):
    values = {"SECRET_KEY": KEY, "PASSWORD_PEPPER": PEPPER} | changed
    return written("".join(f"{name}={value}\n" for name, value in values.items() if value is not None), "my.env", mode)


def complaint(text="", environ=None, **flags):
    with pytest.raises(ConfigError) as caught:
        load_settings(written(text), environ or {}, **flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_file_we_ship_says_what_is_built_in():
    assert load_settings(ROOT / "config.toml", {}) == Settings()


def test_the_file_we_ship_has_every_key_with_a_comment():
    lines = (ROOT / "config.toml").read_text(encoding="utf-8").splitlines()
    commented = [match[1] for line in lines if (match := re.match(r"(\w+) = \S.*  ?# \w", line))]
    assert commented == [key for _, key in KEYS]


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_the_docs_tell_every_key_and_its_default(section, key):
    row = re.search(rf"^\| `{section}\.{key}` \| `([^`]+)` \|", DOCS, re.MULTILINE)
    assert row is not None
    assert load_settings(written(f"[{section}]\n{key} = {row[1]}\n"), {}) == Settings()


def test_the_docs_tell_every_secret_and_no_key_that_is_gone():
    assert set(re.findall(r"^\| `([a-z]+\.\w+)` \| `[^`]+` \| [^|]*\| ", DOCS, re.MULTILINE)) == {
        f"{section}.{key}" for section, key in KEYS
    }
    for name in ("SECRET_KEY", "PASSWORD_PEPPER", "ALGORITHM", "ACCESS_TOKEN_EXPIRE_MINUTES", "OLD_SECRET_KEYS"):
        assert f"| `{name}` |" in DOCS
        assert f"\n{name}=" in (ROOT / ".env.example").read_text(encoding="utf-8")


def test_the_docs_tell_every_bound_between_keys():
    for lesser, greater in ORDERED:
        assert f"| `{lesser}` | `{greater}` |" in DOCS


def test_without_any_file_the_built_in_settings_hold():
    assert load_settings(None, {"PATH": "/bin"}) == Settings()


def test_a_missing_file_that_was_named_is_an_error():
    with pytest.raises(ConfigError, match=r"^absent.toml: no such file"):
        load_settings(Path("absent.toml"), {})


def test_a_flag_wins_over_environment_over_file_over_default():
    written('[server]\nport = 1\nhost = "file"\nshutdown_s = 1\n')
    found = load_settings(None, {"FOOTFALL_SERVER__PORT": "2", "FOOTFALL_SERVER__HOST": "environment"}, port=3)
    assert (found.server.port, found.server.host, found.server.shutdown_s) == (3, "environment", 1.0)
    assert found.server.body_bytes_max == Settings().server.body_bytes_max


def test_every_flag_reaches_its_key():
    found = load_settings(None, {}, data_dir="/srv/footfall", host="::1", port=0)
    assert (found.data.dir, found.server.host, found.server.port) == (Path("/srv/footfall"), "::1", 0)


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_can_be_set_by_environment(section, key):
    default = getattr(getattr(Settings(), section), key)
    text = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    assert load_settings(None, {f"FOOTFALL_{section}__{key}".upper(): text}) == Settings()


def test_the_terminals_own_variables_are_no_settings():
    assert load_settings(None, {"FOOTFALL_URL": "x", "FOOTFALL_TOKEN": "x", "FOOTFALL_TOKEN_FILE": "x"}) == Settings()


@pytest.mark.parametrize("text", ["", " , "])
def test_no_proxy_need_be_trusted(text):
    assert load_settings(None, {"FOOTFALL_SERVER__TRUSTED_PROXIES": text}).server.trusted_proxies == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\ntrusted_proxies = 5", "config.toml:2: server.trusted_proxies should be a valid tuple, not 5"),
        (
            '[server]\ntrusted_proxies = ["x"]',
            "config.toml:2: server.trusted_proxies 'x' does not appear to be an IPv4 or",
        ),
        ("[log]\n\nfsink_s = 1", "config.toml:3: unknown key log.fsink_s; known keys: group_bytes_max, "),
        ("log.fsink_s = 1", "config.toml:1: unknown key log.fsink_s"),
        ("#\nlog = { fsink_s = 1 }", "config.toml:2: unknown key log.fsink_s"),
        ('[log]\n"fsink_s" = 1', "config.toml:2: unknown key log.fsink_s"),
        ("[server]\n[server.tls]\nkey = 1", "config.toml:2: unknown key server.tls"),
        ("[server]\nport = 1\n[logg]\nx = 1", "config.toml:3: unknown section logg; known sections: server, "),
        ("\nport = 1", "config.toml:2: unknown section port"),
        ("log = 1", "config.toml:1: log is a section"),
        ("[[log]]\nfence_idle_s = 1", "config.toml:1: log is a section"),
        ('[server]\nport = "8080"', "config.toml:2: server.port should be a valid integer, not '8080'"),
        ("[server]\nport = true", "config.toml:2: server.port should be a valid integer, not True"),
        ("[server]\nport = 80.0", "config.toml:2: server.port should be a valid integer, not 80.0"),
        ("[server]\nport = -1", "config.toml:2: server.port should be greater than or equal to 0, not -1"),
        ("[server]\nport = 65536", "config.toml:2: server.port should be less than or equal to 65535"),
        ("[log]\nfence_idle_s = 0", "config.toml:2: log.fence_idle_s should be greater than 0, not 0"),
        ("[log]\nfence_idle_s = nan", "config.toml:2: log.fence_idle_s should be a finite number"),
        ("[log]\nfence_idle_s = inf", "config.toml:2: log.fence_idle_s should be a finite number"),
        ("[data]\ndir = ''", "config.toml:2: data.dir should be a path"),
        ("[data]\ndir = 1", "config.toml:2: data.dir should be a path"),
        ("[logging]\nlevel = 'loud'", "config.toml:2: logging.level should be 'debug', 'info', "),
        ("[log]\nfence_idle_s = 1\n[server\n", "config.toml:3: "),
        ("[log]\nfence_idle_s = 1\nfence_idle_s = 1\n", "config.toml:"),
        ("[log]\ngroup_bytes_max = 134_217_728", "log.group_bytes_max (134217728) is over log.segment_bytes_max"),
        (
            "[log]\ndisk_free_bytes_min = 1",
            "log.disk_free_bytes_min (1) is under 201326592, which log.segment_bytes_max",
        ),
        ("[log]\nsegment_bytes_max = 268_435_456", "log.disk_free_bytes_min (268435456) is under 402653184"),
        ("[store]\nbatch_bytes_max = 67_108_864", "log.disk_free_bytes_min (268435456) is under 301989888"),
    ],
)
def test_a_wrong_file_is_refused_by_file_and_line(text, expected):
    assert complaint(text).startswith(expected)


@pytest.mark.parametrize("kept", ["0", "402_653_184"])
def test_a_reserve_that_is_large_enough_or_switched_off_is_taken(kept):
    Path("config.toml").write_text(f"[log]\nsegment_bytes_max = 268_435_456\ndisk_free_bytes_min = {kept}")
    assert load_settings(None, {}).log.disk_free_bytes_min == int(kept)


def test_a_file_that_is_not_utf_8_is_refused_by_byte():
    Path("config.toml").write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match=r"^config.toml: byte 2 is not UTF-8"):
        load_settings(None, {})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"FOOTFALL_LOG__FSINK_S": "1"}, "FOOTFALL_LOG__FSINK_S: unknown key log.fsink_s; known keys: "),
        ({"FOOTFALL_LOGG__FSINK_S": "1"}, "FOOTFALL_LOGG__FSINK_S: unknown section logg"),
        ({"FOOTFALL_PORT": "1"}, "FOOTFALL_PORT: unknown variable"),
        ({"FOOTFALL_server__port": "1"}, "FOOTFALL_server__port: unknown variable"),
        ({"FOOTFALL_SERVER__PORT": "70000"}, "FOOTFALL_SERVER__PORT: server.port should be less than"),
        ({"FOOTFALL_SERVER__PORT": ""}, "FOOTFALL_SERVER__PORT: server.port should be a valid integer"),
        ({"FOOTFALL_LOG__FENCE_IDLE_S": "nan"}, "FOOTFALL_LOG__FENCE_IDLE_S: log.fence_idle_s should be a finite"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(environ, expected):
    assert complaint(environ=environ).startswith(expected)


def test_a_wrong_flag_is_refused_by_name():
    assert complaint(port=70000).startswith("--port: server.port should be less than or equal to 65535")
    assert complaint(data_dir="").startswith("--data: data.dir should be a path")


@pytest.mark.parametrize(
    "url",
    [
        *("accounts", "//accounts", "ftp://accounts", "https://", "http://:80", "https://a:port", "https://a:999999"),
        *("https://user:pass@a", "https://a?x=1", "https://a#x", "https://a b", "https://a/b c", "https://a\\\\b"),
        *("https://[::1", "https://é.example", "https://a\\u0000", "https://a\\n"),
    ],
)
def test_an_address_of_a_provider_that_is_none_is_refused(url):
    said = complaint(f'[identity]\nprovider_url = "{url}"\n')
    assert said.startswith("config.toml:2: identity.provider_url should be an address such as https://accounts.example")


@pytest.mark.parametrize("url", ["http://[::1]:8080", "https://accounts.example/a/b", "http://127.0.0.1:8080"])
@pytest.mark.parametrize("end", ["", "/"])
def test_an_address_of_a_provider_is_taken_without_its_last_slash(url, end):
    found = load_settings(written(f'[identity]\nprovider_url = "{url}{end}"\n'), {})
    assert found.identity.provider_url == url


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().server.port = 1


def test_secrets_are_read_from_the_file():
    found = load_secrets(env_file(ACCESS_TOKEN_EXPIRE_MINUTES="5"))
    assert found.secret_key.get_secret_value() == KEY
    assert found.password_pepper.get_secret_value() == PEPPER
    assert (found.algorithm, found.access_token_expire_minutes) == ("HS256", 5)


def test_the_environment_wins_over_the_file(monkeypatch):
    other = random.token_urlsafe(48)
    monkeypatch.setenv("SECRET_KEY", other)
    assert load_secrets(env_file()).secret_key.get_secret_value() == other


def test_the_environment_alone_is_enough(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", KEY)
    monkeypatch.setenv("PASSWORD_PEPPER", PEPPER)
    assert load_secrets(None).password_pepper.get_secret_value() == PEPPER


def test_without_secrets_the_remedy_is_init():
    with pytest.raises(ConfigError, match=r"^\.env: SECRET_KEY is missing; run `footfalld init`$"):
        load_secrets(None)
    with pytest.raises(ConfigError, match=r"^absent\.env: no such file; run `footfalld init`$"):
        load_secrets(Path("absent.env"))


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
@pytest.mark.parametrize("name", ["SECRET_KEY", "PASSWORD_PEPPER"])
@pytest.mark.parametrize(
    "weak",
    [
        None,
        "",
        "tiny",
        "Zk3vX9qLw7TtB2nRy8uHc5sJd1fGa4e",
        "changeme-changeme-changeme-changeme",
        "Secret-Zk3vX9qLw7TtB2nRy8uHc5sJd1fGa4e",
        "Zk3vX9qLw7TtB2nRy8uHc5sJd1fGa4ePASSWORD",
        "a" * 64,
        "ab" * 32,
        "abcabcabdabcabcabd" * 3,
        "0123456789abcdef" * 4,
    ],
)
def test_c9_a_weak_or_missing_secret_is_refused(name, weak, algorithm):
    with pytest.raises(ConfigError, match=rf"{name} .*footfalld init") as caught:
        load_secrets(env_file(**{"ALGORITHM": algorithm, name: weak}))
    assert not weak or weak not in str(caught.value)


def test_c9_the_sample_file_is_refused():
    sample = written((ROOT / ".env.example").read_text(encoding="utf-8"), ".env")
    with pytest.raises(ConfigError, match="SECRET_KEY is a sample value"):
        load_secrets(sample)


def test_c9_one_secret_for_both_purposes_is_refused():
    with pytest.raises(ConfigError, match="are the same"):
        load_secrets(env_file(PASSWORD_PEPPER=KEY))


def test_older_keys_are_read_between_commas_the_newest_first():
    olds = [random.token_urlsafe(48) for _ in range(OLD_SECRET_KEYS_MAX)]
    found = load_secrets(env_file(OLD_SECRET_KEYS=" , ".join(olds) + ","))
    assert [one.get_secret_value() for one in found.old_secret_keys] == olds
    assert load_secrets(env_file(OLD_SECRET_KEYS="")).old_secret_keys == ()


@pytest.mark.parametrize(
    ("olds", "expected"),
    [
        ("short", "my.env or environment: OLD_SECRET_KEYS (text 1) is shorter than 32 bytes; take it out there"),
        (f"{KEY[::-1]},{'a' * 64}", "my.env or environment: OLD_SECRET_KEYS (text 2) repeats itself, so it can be"),
        ("change-me-" * 5, "my.env or environment: OLD_SECRET_KEYS (text 1) is a sample value; take it out there"),
        (KEY, "my.env: a text of OLD_SECRET_KEYS is there twice or is another secret; take it out there"),
        (PEPPER, "my.env: a text of OLD_SECRET_KEYS is there twice or is another secret; take it out there"),
        (f"{KEY[::-1]},{KEY[::-1]}", "my.env: a text of OLD_SECRET_KEYS is there twice or is another secret"),
        (",".join(f"{number:02}{KEY}" for number in range(17)), "my.env or environment: OLD_SECRET_KEYS Tuple should"),
    ],
    ids=["short", "repeating", "sample", "the key", "the pepper", "twice", "too many"],
)
def test_c9_a_weak_older_key_is_refused(olds, expected):
    with pytest.raises(ConfigError) as caught:
        load_secrets(env_file(OLD_SECRET_KEYS=olds))
    assert str(caught.value).startswith(expected)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o450, 0o604])
def test_a_credential_of_systemd_may_show_the_mask_of_its_acl_and_nothing_more(mode, monkeypatch, tmp_path):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_secrets(tmp_path / env_file(0o440)).secret_key.get_secret_value() == KEY
    with pytest.raises(ConfigError, match="others can read or change it"):
        load_secrets(tmp_path / env_file(mode))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_c9_a_file_that_is_open_to_others_is_refused(mode):
    with pytest.raises(ConfigError, match=r"^my\.env: .*run `chmod 600 my\.env`$"):
        load_secrets(env_file(mode))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KYE", "x", "my.env: unknown key SECRET_KYE; known keys: SECRET_KEY, PASSWORD_PEPPER, "),
        ("ALGORITHM", "none", "my.env or environment: ALGORITHM should be 'HS256' or 'EdDSA'"),
        ("ALGORITHM", "RS256", "my.env or environment: ALGORITHM should be 'HS256' or 'EdDSA'"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "0", "my.env or environment: ACCESS_TOKEN_EXPIRE_MINUTES should be"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "soon", "my.env or environment: ACCESS_TOKEN_EXPIRE_MINUTES should be"),
    ],
)
def test_a_wrong_line_of_the_env_file_is_refused_by_name(name, value, expected):
    with pytest.raises(ConfigError) as caught:
        load_secrets(env_file(**{name: value}))
    assert str(caught.value).startswith(expected)
    assert KEY not in str(caught.value)


def test_secrets_are_not_shown():
    found = load_secrets(env_file())
    assert KEY not in repr(found) + str(found)
    assert PEPPER not in repr(found) + str(found)
