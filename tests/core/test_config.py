"""Settings: read from the environment, refused with a line that helps."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.config import (
    Settings,
    get_settings,
    load_settings,
    missing_services,
    warn_of_unknown,
)
from tests.core.complaints import complaint

pytestmark = pytest.mark.usefixtures("environment")

LONG_KEY = "k" * 32

DEFAULTS = {
    "environment": "development", "log_level": "info", "cors_origins": (),
    "database_pool_size": 10, "redis_timeout_seconds": 1,
    "access_token_seconds": 900, "refresh_token_seconds": 1_209_600,
    "ping_seconds": 25, "pong_seconds": 8, "expired_close_seconds": 25,
    "look_seconds": 0.5, "look_seconds_alone": 0.1,
    "sweep_seconds": 1, "relay_batch": 1000, "lease_seconds": 3, "log_hours": 24,
    "ring_bytes": 1_048_576, "ring_events": 10_000, "max_message_bytes": 65_536,
    "commands_per_second": 50, "signals_per_second": 10, "connections_per_user": 20,
    "channels_per_connection": 128, "connect_seconds": 10, "stalled_seconds": 30,
    "max_body_bytes": 1_048_576, "sign_in_per_minute": 10, "requests_per_second": 100,
    "drain_seconds": 10, "compression": "off", "failpoints": (),
}  # fmt: skip

WRONG = [
    ("TANDEM_ENVIRONMENT", "staging", "development, test or production"),
    ("TANDEM_LOG_LEVEL", "loud", "debug, info, warning or error"),
    ("TANDEM_COMPRESSION", "brotli", "off or on"),
    ("DATABASE_URL", "mysql://localhost", "postgresql://"),
    ("REDIS_URL", "http://localhost", "redis://"),
    *(("TANDEM_CORS_ORIGINS", origin, "without a path or a slash at the end")
      for origin in ("nonsense", "https://a.example/", "https://a.example/board", "//a.example",
                     "https://a.example,b.example", "https://a.example?b", "https://A.example",
                     "https://a.example:port", "https://*.example", "null")),
    ("TANDEM_FAILPOINTS", "relay.lock=explode", "point=kill"),
    ("TANDEM_FAILPOINTS", "relay.lock=wait:long", "point=kill"),
    *((f"TANDEM_{name}", "many", "whole number, 1 or more")
      for name in ("DATABASE_POOL_SIZE", "RELAY_BATCH", "RING_BYTES", "RING_EVENTS")),
    *((f"TANDEM_{name}", "0", "whole number, 1 or more")
      for name in ("DATABASE_POOL_SIZE", "RELAY_BATCH", "RING_BYTES", "RING_EVENTS")),
    *((f"TANDEM_{name}", "-1", "whole number, 0 (off) or more")
      for name in ("MAX_MESSAGE_BYTES", "COMMANDS_PER_SECOND", "SIGNALS_PER_SECOND",
                   "CONNECTIONS_PER_USER", "CHANNELS_PER_CONNECTION", "MAX_BODY_BYTES",
                   "SIGN_IN_PER_MINUTE", "REQUESTS_PER_SECOND")),
    *((f"TANDEM_{name}", "0", "number above 0")
      for name in ("REDIS_TIMEOUT_SECONDS", "ACCESS_TOKEN_SECONDS", "REFRESH_TOKEN_SECONDS",
                   "PING_SECONDS", "PONG_SECONDS", "LOOK_SECONDS", "LOOK_SECONDS_ALONE",
                   "SWEEP_SECONDS", "LEASE_SECONDS", "LOG_HOURS")),
    *((f"TANDEM_{name}", "-0.5", "seconds, 0 or more")
      for name in ("EXPIRED_CLOSE_SECONDS", "CONNECT_SECONDS", "STALLED_SECONDS",
                   "DRAIN_SECONDS")),
    ("TANDEM_PING_SECONDS", "inf", "number above 0"),
    ("TANDEM_PING_SECONDS", "nan", "number above 0"),
    ("TANDEM_DRAIN_SECONDS", "inf", "seconds, 0 or more"),
    ("TANDEM_MAX_BODY_BYTES", "1.5", "whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items())
def test_a_setting_that_is_not_given_has_the_default_of_the_contract(
    name: str, value: object
) -> None:
    assert getattr(load_settings(), name) == value


@pytest.mark.parametrize(("variable", "given", "allowed"), WRONG)
def test_a_wrong_value_is_refused_with_its_name_what_was_given_and_what_is_allowed(
    environment: pytest.MonkeyPatch, variable: str, given: str, allowed: str
) -> None:
    environment.setenv("TANDEM_ENVIRONMENT", "test")
    environment.setenv(variable, given)

    line = complaint()

    assert line.startswith(f"{variable}: given ")
    assert given in line.partition("allowed:")[0]
    assert allowed in line.partition("allowed:")[2]
    assert "\n" not in line


def test_every_wrong_value_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_PING_SECONDS", "soon")
    environment.setenv("TANDEM_RING_EVENTS", "few")

    assert {"TANDEM_PING_SECONDS", "TANDEM_RING_EVENTS"} <= set(re.findall(r"\w+", complaint()))


def test_a_short_secret_key_is_refused_and_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_SECRET_KEY", "short-secret")

    line = complaint()

    assert line == "TANDEM_SECRET_KEY: given (hidden), allowed: at least 32 bytes"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
def test_both_spellings_of_a_postgres_address_are_one_inside(
    environment: pytest.MonkeyPatch, scheme: str
) -> None:
    environment.setenv("DATABASE_URL", f"{scheme}://tandem@localhost/tandem")

    settings = load_settings()

    assert settings.database_url == "postgresql://tandem@localhost/tandem"


@pytest.mark.parametrize("parameter", ["sslmode", "ssl"])
def test_both_spellings_of_how_to_encrypt_are_one_inside(
    environment: pytest.MonkeyPatch, parameter: str
) -> None:
    environment.setenv("DATABASE_URL", f"postgresql://db/tandem?user=a&{parameter}=require")

    settings = load_settings()

    assert settings.database_url == "postgresql://db/tandem?user=a&sslmode=require"


@pytest.mark.parametrize("url", ["redis://localhost:6379/1", "rediss://cache", "unix:///run/r"])
def test_redis_addresses_of_every_kind_are_taken(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("REDIS_URL", url)

    assert load_settings().redis_url == url


def test_words_are_split_at_commas_and_trimmed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_CORS_ORIGINS", "https://a.example, https://b.example,,")

    assert load_settings().cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "origin",
    ["*", "http://localhost:3000", "http://[::1]:80", "app://board", "https://xn--bcher.de"],
)
def test_whatever_a_browser_may_send_as_its_origin_is_taken(
    environment: pytest.MonkeyPatch, origin: str
) -> None:
    environment.setenv("TANDEM_CORS_ORIGINS", origin)

    assert load_settings().cors_origins == (origin,)


def test_an_empty_variable_is_as_good_as_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_PING_SECONDS", "")

    assert load_settings().ping_seconds == 25


def test_the_environment_of_others_is_no_business_of_ours(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("PING_SECONDS", "1")
    environment.setenv("TANDEM_NO_SUCH_SETTING", "1")

    assert load_settings().ping_seconds == 25


def test_a_setting_that_is_none_is_warned_of_with_the_one_most_like_it(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    environment.setenv("TANDEM_PING_SECOND", "1")
    environment.setenv("TANDEM_XYZZY", "1")
    environment.setenv("tandem_log_level", "info")

    warn_of_unknown()

    assert [record.message for record in caplog.records] == [
        "TANDEM_PING_SECOND is no setting, and is ignored: did you mean TANDEM_PING_SECONDS?",
        "TANDEM_XYZZY is no setting, and is ignored",
    ]


def test_settings_are_frozen() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError):
        setattr(settings, "ping_seconds", 1)  # noqa: B010 - mypy knows that it is frozen


def test_the_settings_of_a_process_are_read_once(environment: pytest.MonkeyPatch) -> None:
    first = get_settings()
    environment.setenv("TANDEM_PING_SECONDS", "1")

    assert get_settings() is first


@pytest.mark.parametrize(
    ("email", "password", "line"),
    [
        (
            "root",
            "open-sesame",
            "TANDEM_ADMIN_EMAIL: given 'root', allowed: a well-formed e-mail address",
        ),
        (
            "root@tandem.example",
            "sesame",
            "TANDEM_ADMIN_PASSWORD: given (hidden), allowed: 8 to 128 characters",
        ),
        (
            "",
            "open-sesame",
            "TANDEM_ADMIN_EMAIL: given nothing, but TANDEM_ADMIN_PASSWORD, allowed: both, or none",
        ),
        (
            "root@tandem.example",
            "",
            "TANDEM_ADMIN_PASSWORD: given nothing, but TANDEM_ADMIN_EMAIL, allowed: both, or none",
        ),
    ],
)
def test_a_first_admin_who_could_not_sign_in_is_refused(
    environment: pytest.MonkeyPatch, email: str, password: str, line: str
) -> None:
    environment.setenv("TANDEM_ADMIN_EMAIL", email)
    environment.setenv("TANDEM_ADMIN_PASSWORD", password)

    assert complaint() == line


def test_the_first_admin_is_taken_as_given(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_ADMIN_EMAIL", "Root@Tandem.Example")
    environment.setenv("TANDEM_ADMIN_PASSWORD", "open-sesame")

    settings = load_settings()

    assert settings.admin_email == "Root@Tandem.Example"
    assert settings.admin_password.get_secret_value() == "open-sesame"


def test_the_missing_services_are_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REDIS_URL", "redis://localhost")

    assert missing_services(load_settings()) == ["DATABASE_URL"]
    assert missing_services(Settings()) == ["DATABASE_URL"]


# ---------------------------------------------------------- what fits which environment


def test_production_refuses_to_start_without_a_secret_key(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("TANDEM_ENVIRONMENT", "production")

    line = complaint()

    assert line.startswith("TANDEM_SECRET_KEY: given nothing")
    assert line.endswith("allowed: at least 32 bytes")
    assert not (tmp_path / "data").exists()


def test_production_starts_with_a_secret_key(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_ENVIRONMENT", "production")
    environment.setenv("TANDEM_SECRET_KEY", LONG_KEY)

    assert load_settings().environment == "production"


@pytest.mark.parametrize("name", ["development", "production"])
def test_failpoints_are_refused_outside_of_tests(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.setenv("TANDEM_ENVIRONMENT", name)
    environment.setenv("TANDEM_SECRET_KEY", LONG_KEY)
    environment.setenv("TANDEM_FAILPOINTS", "relay.lock=kill")

    line = complaint()

    assert line.startswith("TANDEM_FAILPOINTS: given 'relay.lock=kill'")
    assert name in line
    assert "test" in line.partition("allowed:")[2]


def test_failpoints_are_taken_in_tests(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_ENVIRONMENT", "test")
    environment.setenv("TANDEM_FAILPOINTS", "relay.lock=kill@/tmp/armed,relay.fenced=wait:0.5")

    points = load_settings().failpoints

    assert points == ("relay.lock=kill@/tmp/armed", "relay.fenced=wait:0.5")
