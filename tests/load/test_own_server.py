"""What surrounds a server of our own."""

import pytest

from app.embedded import Services
from load.errors import LoadError
from load.runner import check_token
from load.scenario import Options
from load.server import environment
from load.target import Account

OURS = Services("postgresql://ours", "redis://ours")


def test_services_of_the_environment_are_never_touched() -> None:
    given = {"DATABASE_URL": "postgresql://theirs", "REDIS_URL": "redis://theirs", "PATH": "/bin"}
    found = environment(given, "/data", OURS)
    assert (found["DATABASE_URL"], found["REDIS_URL"]) == ("postgresql://ours", "redis://ours")
    assert found["PATH"] == "/bin"


def test_limits_are_off_whatever_the_environment_says() -> None:
    found = environment({"TANDEM_REQUESTS_PER_SECOND": "100"}, "/data", OURS)
    for limit in ("REQUESTS_PER_SECOND", "SIGN_IN_PER_MINUTE"):
        assert found[f"TANDEM_{limit}"] == "0"


def test_connections_are_counted_but_not_limited() -> None:
    found = environment({"TANDEM_CONNECTIONS_PER_USER": "20"}, "/data", OURS)
    assert int(found["TANDEM_CONNECTIONS_PER_USER"]) >= 1_000_000


def test_other_settings_of_the_environment_reach_it() -> None:
    found = environment({"TANDEM_COMPRESSION": "on", "TANDEM_LOG_LEVEL": "debug"}, "/data", OURS)
    assert (found["TANDEM_COMPRESSION"], found["TANDEM_LOG_LEVEL"]) == ("on", "debug")


def test_its_data_stands_in_a_directory_of_the_run() -> None:
    assert environment({"TANDEM_DATA_DIR": ".data"}, "/data", OURS)["TANDEM_DATA_DIR"] == "/data"


def test_a_run_longer_than_a_token_lives_is_refused_before_it_starts() -> None:
    options = Options(
        url=None,
        email="",
        password="",
        connections=1,
        rate=1,
        duration=900,
        json=None,
        workers=1,
        processes=1,
        warmup=1,
        drain=10,
    )
    with pytest.raises(LoadError, match="tokens last 900 s"):
        check_token(Account("a@b.example", "t", 900), options)
    check_token(Account("a@b.example", "t", 1000), options)
