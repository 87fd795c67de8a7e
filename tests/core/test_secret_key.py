"""The secret key in development: made once, kept where only its owner can read it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.config import load_settings
from tests.core.complaints import complaint

pytestmark = pytest.mark.usefixtures("environment")

LONG_KEY, OLD_KEY, OLDER_KEY = "k" * 32, "o" * 32, "e" * 32


def test_development_makes_a_secret_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    settings = load_settings()

    path = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert settings.secret_key.get_secret_value() == path.read_text().strip()
    assert len(settings.secret_key.get_secret_value()) >= 32


def test_the_secret_key_is_made_once() -> None:
    assert load_settings().secret_key == load_settings().secret_key


def test_of_many_who_make_the_secret_key_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_settings().secret_key.get_secret_value(), range(32)))

    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]


def test_a_secret_key_that_is_given_leaves_no_file(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("TANDEM_SECRET_KEY", LONG_KEY)

    assert load_settings().secret_key == SecretStr(LONG_KEY)
    assert not (tmp_path / "data").exists()


def test_a_secret_key_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret_key").write_text("")

    assert "secret_key holds fewer than 32 bytes" in complaint()


def test_a_secret_is_not_shown_with_the_settings(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_SECRET_KEY", LONG_KEY)
    environment.setenv("TANDEM_PREVIOUS_SECRET_KEYS", f"{OLD_KEY},{OLDER_KEY}")
    environment.setenv("TANDEM_ADMIN_EMAIL", "root@tandem.example")
    environment.setenv("TANDEM_ADMIN_PASSWORD", "open-sesame")

    shown = repr(load_settings())

    assert not [
        secret for secret in (LONG_KEY, OLD_KEY, OLDER_KEY, "open-sesame") if secret in shown
    ]


def test_previous_keys_are_as_many_as_are_given(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TANDEM_PREVIOUS_SECRET_KEYS", f"{OLD_KEY}, {OLDER_KEY}")

    assert load_settings().previous_secret_keys == (SecretStr(OLD_KEY), SecretStr(OLDER_KEY))


@pytest.mark.parametrize("keys", ["old", f"{OLD_KEY},old", "ö" * 15])
def test_a_short_previous_key_is_refused_and_not_shown(
    environment: pytest.MonkeyPatch, keys: str
) -> None:
    environment.setenv("TANDEM_PREVIOUS_SECRET_KEYS", keys)

    assert complaint() == (
        "TANDEM_PREVIOUS_SECRET_KEYS: given (hidden),"
        " allowed: keys of at least 32 bytes each, comma separated"
    )
