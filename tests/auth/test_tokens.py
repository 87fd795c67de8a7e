import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

import jwt
import pytest
from pydantic import SecretStr

from app.auth.tokens import (
    RefreshTokenInvalidError,
    TokenExpiredError,
    TokenInvalidError,
    issue_access_token,
    issue_refresh_token,
    read_access_token,
    read_refresh_token,
)
from app.core.config import Settings

KEY = "the present key, which has 32 bytes or more"
OLD_KEY = "the previous key, which has 32 bytes or more"
USER = UUID("01a20aeb-b3f4-77e1-b6c4-10976a3a9b42")
SESSION = UUID("01a20aeb-b42c-71eb-9aee-0398b1f59983")
SETTINGS = Settings(environment="test", secret_key=SecretStr(KEY))


def claims(**changed: Any) -> dict[str, Any]:
    """Of a good token; None takes a claim away."""
    now = int(time.time())
    good = {
        "sub": str(USER),
        "sid": str(SESSION),
        "iat": now,
        "exp": now + 60,
        "aud": "tandem",
        "iss": "tandem",
        "typ": "access",
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def forge(key: str = KEY, algorithm: str = "HS256", **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm)


def test_access_token_says_who_which_session_and_until_when() -> None:
    issued = issue_access_token(SETTINGS, user_id=USER, session_id=SESSION)
    read = read_access_token(SETTINGS, issued.token)
    assert (read.user_id, read.session_id) == (USER, SESSION)
    assert issued.expires_in == 900
    assert 900 <= read.expires_at.timestamp() - time.time() + 1 <= 902


def test_access_token_lives_at_least_as_long_as_it_says() -> None:
    settings = SETTINGS.model_copy(update={"access_token_seconds": 0.2})
    issued = issue_access_token(settings, user_id=USER, session_id=SESSION)
    left = read_access_token(settings, issued.token).expires_at.timestamp() - time.time()
    assert issued.expires_in == 1
    assert 0.9 < left <= 2


def test_access_token_of_a_previous_key_still_reads() -> None:
    previous = (SecretStr("another one" * 4), SecretStr(OLD_KEY))
    settings = SETTINGS.model_copy(update={"previous_secret_keys": previous})
    assert read_access_token(settings, forge(key=OLD_KEY)).user_id == USER


def test_expired_access_token_is_told_apart() -> None:
    with pytest.raises(TokenExpiredError):
        read_access_token(SETTINGS, forge(exp=int(time.time()) - 1))


def test_access_token_that_was_good_once_ends_all_the_same() -> None:
    token = forge(exp=int(time.time()) + 2)
    assert read_access_token(SETTINGS, token).user_id == USER
    with pytest.raises(TokenExpiredError):
        read_again_after(2.1, token)


def read_again_after(seconds: float, token: str) -> None:
    time.sleep(seconds)  # a token's end is a moment of the clock
    read_access_token(SETTINGS, token)


def test_access_token_that_was_good_once_is_not_so_for_another_key() -> None:
    token = forge()
    read_access_token(SETTINGS, token)
    other = SETTINGS.model_copy(update={"secret_key": SecretStr("another one" * 4)})
    with pytest.raises(TokenInvalidError):
        read_access_token(other, token)


def test_expired_token_of_another_key_is_not_one_of_ours() -> None:
    with pytest.raises(TokenInvalidError):
        read_access_token(SETTINGS, forge(key=OLD_KEY, exp=int(time.time()) - 1))


def test_clock_of_the_issuer_may_be_ahead() -> None:
    assert read_access_token(SETTINGS, forge(iat=int(time.time()) + 5)).user_id == USER


@pytest.mark.parametrize("missing", ["sub", "sid", "iat", "exp", "aud", "iss", "typ"])
def test_access_token_without_a_claim_is_invalid(missing: str) -> None:
    with pytest.raises(TokenInvalidError):
        read_access_token(SETTINGS, jwt.encode(claims(**{missing: None}), KEY))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "somebody-else"},
        {"iss": "somebody-else"},
        {"typ": "refresh"},
        {"sub": "no uuid"},
        {"sid": "no uuid"},
        {"sid": 7},
        {"exp": "soon"},
        {"exp": 10**20},
        {"nbf": 10**10},
    ],
)
def test_access_token_with_a_wrong_claim_is_invalid(changed: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalidError):
        read_access_token(SETTINGS, forge(**changed))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\x00", "é.é.é", "\ud800", "x" * 10_000])
def test_what_is_no_token_at_all_is_invalid(token: str) -> None:
    with pytest.raises(TokenInvalidError):
        read_access_token(SETTINGS, token)


def test_what_is_no_access_token_of_ours_is_invalid() -> None:
    for token in (
        forge(key=OLD_KEY),
        forge(key="", algorithm="none"),
        forge(key=KEY * 2, algorithm="HS512"),
        forge()[:-2],
        forge() + "A",
        issue_refresh_token(SETTINGS, session_id=SESSION, generation=0),
    ):
        with pytest.raises(TokenInvalidError):
            read_access_token(SETTINGS, token)


def test_refresh_token_says_which_session_and_generation() -> None:
    token = issue_refresh_token(SETTINGS, session_id=SESSION, generation=3)
    read = read_refresh_token(SETTINGS, token)
    assert (read.session_id, read.generation) == (SESSION, 3)


def test_refresh_token_of_a_generation_is_always_the_same() -> None:
    first = issue_refresh_token(SETTINGS, session_id=SESSION, generation=1)
    assert first == issue_refresh_token(SETTINGS, session_id=SESSION, generation=1)
    assert first != issue_refresh_token(SETTINGS, session_id=SESSION, generation=2)
    assert first != issue_refresh_token(SETTINGS, session_id=USER, generation=1)


def test_refresh_token_of_a_previous_key_still_reads() -> None:
    token = issue_refresh_token(SETTINGS, session_id=SESSION, generation=1)
    renewed = SETTINGS.model_copy(
        update={"secret_key": SecretStr(OLD_KEY), "previous_secret_keys": (SecretStr(KEY),)}
    )
    assert read_refresh_token(renewed, token).session_id == SESSION
    assert issue_refresh_token(renewed, session_id=SESSION, generation=1) != token


@pytest.mark.parametrize("position", [0, 20, 30, 50])
def test_refresh_token_changed_anywhere_is_invalid(position: int) -> None:
    token = issue_refresh_token(SETTINGS, session_id=SESSION, generation=1)
    raw = bytearray(urlsafe_b64decode(token + "="))
    raw[position] ^= 1
    with pytest.raises(RefreshTokenInvalidError):
        read_refresh_token(SETTINGS, urlsafe_b64encode(raw).decode())


@pytest.mark.parametrize("token", ["", "x", "\x00", "é", "\ud800", "=" * 80, "A" * 75, "a.b.c"])
def test_what_is_no_refresh_token_of_ours_is_invalid(token: str) -> None:
    with pytest.raises(RefreshTokenInvalidError):
        read_refresh_token(SETTINGS, token)


def test_refresh_token_is_authenticated_for_its_purpose_only() -> None:
    """What the secret key itself signs (a JWT) is never a refresh token."""
    content = SESSION.bytes + (1).to_bytes(8, "big")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        content, KEY.encode()
    )
    with pytest.raises(RefreshTokenInvalidError):
        read_refresh_token(SETTINGS, urlsafe_b64encode(content + mac).decode())
