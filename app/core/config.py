"""Settings: environment variables, read once into a frozen object."""

import logging
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core.accounts import PASSWORD_LENGTH, check_password, parse_email
from app.core.failpoints import Failpoints
from app.core.operator_errors import OperatorError
from app.core.service_urls import check_database_url, check_redis_url, shown

logger = logging.getLogger(__name__)

PREFIX = "TANDEM_"
SECRET_KEY_BYTES = 32
KEY_LENGTH = f"at least {SECRET_KEY_BYTES} bytes"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
"""As browsers write it: RFC 6454, section 6.2."""
CREDENTIALS = re.compile(r"(?<=//).*(?=@)")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, description="a number above 0")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, description="seconds, 0 or more")]
Limit = Annotated[int, Field(ge=0, description="a whole number, 0 (off) or more")]
Count = Annotated[int, Field(ge=1, description="a whole number, 1 or more")]
Words = Annotated[tuple[str, ...], NoDecode, Field(description="words, comma separated")]


class SettingsError(OperatorError):
    """A wrong setting; the message says its name, what was given and what is allowed."""


class Settings(BaseSettings):
    """All settings, with their defaults. Durations are seconds, sizes bytes.

    Environment variables carry the prefix `TANDEM_`, except DATABASE_URL and REDIS_URL.
    A limit of 0 is off.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        env_ignore_empty=True,
    )

    environment: Literal["development", "test", "production"] = Field(
        default="development", description="development, test or production"
    )
    database_url: str = Field(
        default="",
        validation_alias="DATABASE_URL",
        description="postgresql://… or postgresql+asyncpg://…",
    )
    redis_url: str = Field(
        default="", validation_alias="REDIS_URL", description="redis://…, rediss://… or unix://…"
    )
    secret_key: SecretStr = Field(default=SecretStr(""), description=KEY_LENGTH)
    previous_secret_keys: Annotated[
        tuple[SecretStr, ...],
        NoDecode,
        Field(description=f"keys of {KEY_LENGTH} each, comma separated"),
    ] = ()
    data_dir: Path = Path(".data")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )
    cors_origins: Annotated[
        Words,
        Field(
            description="origins such as https://board.example or http://localhost:3000, comma"
            " separated, in small letters, without a path or a slash at the end; or *"
        ),
    ] = ()
    admin_email: str = Field(default="", description="a well-formed e-mail address")
    admin_password: SecretStr = Field(default=SecretStr(""), description=PASSWORD_LENGTH)

    database_pool_size: Count = 10
    redis_timeout_seconds: Positive = 1
    access_token_seconds: Positive = 900
    refresh_token_seconds: Positive = 1_209_600
    ping_seconds: Positive = 25
    pong_seconds: Positive = 8
    expired_close_seconds: Seconds = 25
    look_seconds: Positive = 0.5
    look_seconds_alone: Positive = 0.1
    sweep_seconds: Positive = 1
    relay_batch: Count = 1000
    lease_seconds: Positive = 3
    log_hours: Positive = 24
    ring_bytes: Count = 1_048_576
    ring_events: Count = 10_000
    max_message_bytes: Limit = 65_536
    commands_per_second: Limit = 50
    signals_per_second: Limit = 10
    connections_per_user: Limit = 20
    channels_per_connection: Limit = 128
    connect_seconds: Seconds = 10
    stalled_seconds: Seconds = 30
    max_body_bytes: Limit = 1_048_576
    sign_in_per_minute: Limit = 10
    requests_per_second: Limit = 100
    drain_seconds: Seconds = 10
    compression: Literal["off", "on"] = Field(default="off", description="off or on")
    take_over: Literal["on", "off"] = Field(
        default="on", description="on or off (sockets as ordinary ASGI routes)"
    )
    failpoints: Annotated[
        Words,
        Field(
            description="point=kill, point=wait:SECONDS or point=drop:N, each with @FILE or without"
        ),
    ] = ()

    @field_validator("previous_secret_keys", "cors_origins", "failpoints", mode="before")
    @classmethod
    def _split_words(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _plain_database_url(cls, value: str) -> str:
        return value and check_database_url(value)

    @field_validator("redis_url")
    @classmethod
    def _known_redis_url(cls, value: str) -> str:
        return value and check_redis_url(value)

    @field_validator("cors_origins")
    @classmethod
    def _well_formed_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """One that no browser ever sends would allow nobody, and nobody would know why."""
        if not all(origin == "*" or ORIGIN.fullmatch(origin) for origin in value):
            raise ValueError("not an origin")
        return value

    @field_validator("admin_email")
    @classmethod
    def _well_formed_email(cls, value: str) -> str:
        return value and parse_email(value)

    @field_validator("admin_password")
    @classmethod
    def _fitting_password(cls, value: SecretStr) -> SecretStr:
        if password := value.get_secret_value():
            check_password(password)
        return value

    @field_validator("failpoints")
    @classmethod
    def _known_failpoints(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Failpoints(value)
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_secret_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and _is_short(value.get_secret_value()):
            raise ValueError("too short")
        return value

    @field_validator("previous_secret_keys")
    @classmethod
    def _long_previous_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """They verify just as the present one does: one that can be guessed opens everything."""
        if any(_is_short(key.get_secret_value()) for key in value):
            raise ValueError("too short")
        return value

    @model_validator(mode="after")
    def _fits_the_environment(self) -> "Settings":
        given = f"while TANDEM_ENVIRONMENT is {self.environment}"
        if self.failpoints and self.environment != "test":
            points = ",".join(self.failpoints)
            raise ValueError(f"TANDEM_FAILPOINTS: given {points!r} {given}, allowed: in test only")
        if self.environment == "production" and not self.secret_key.get_secret_value():
            raise ValueError(f"TANDEM_SECRET_KEY: given nothing {given}, allowed: {KEY_LENGTH}")
        return self

    @model_validator(mode="after")
    def _has_both_of_the_admin(self) -> "Settings":
        if bool(self.admin_email) != bool(self.admin_password.get_secret_value()):
            missing, other = ("PASSWORD", "EMAIL") if self.admin_email else ("EMAIL", "PASSWORD")
            given = f"given nothing, but TANDEM_ADMIN_{other}"
            raise ValueError(f"TANDEM_ADMIN_{missing}: {given}, allowed: both, or none")
        return self


def load_settings(**given: Any) -> Settings:
    """Read the environment; raises SettingsError. Makes the development secret if it must."""
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_complaints(error))) from None
    if settings.secret_key.get_secret_value():
        return settings
    return settings.model_copy(update={"secret_key": _development_secret(settings.data_dir)})


def find_unknown(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Variables with our prefix that are no settings, each with the setting most like it."""
    known = [name.upper() for name in Settings.model_fields]
    prefixed = (name.upper() for name in environment if name.upper().startswith(PREFIX))
    found: dict[str, str | None] = {}
    for name in sorted({name.removeprefix(PREFIX) for name in prefixed} - {*known}):
        nearest = get_close_matches(name, known, 1)  # without the prefix, which is like itself
        found[PREFIX + name] = PREFIX + nearest[0] if nearest else None
    return found


def warn_of_unknown() -> None:
    """A line in the log for each of them: most likely a setting that was misspelt."""
    for name, nearest in find_unknown(os.environ).items():
        hint = f": did you mean {nearest}?" if nearest else ""
        logger.warning("%s is no setting, and is ignored%s", name, hint)


def missing_services(settings: Settings) -> list[str]:
    """The names of the service addresses that are not set."""
    given = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    return [name for name, value in given.items() if not value]


@lru_cache
def get_settings() -> Settings:
    """The settings of this process; raises SettingsError at the first call if they are wrong."""
    return load_settings()


def _is_short(key: str) -> bool:
    return len(key.encode()) < SECRET_KEY_BYTES


def _complaints(error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors(include_url=False):
        if not problem["loc"]:
            found.append(problem["msg"].removeprefix("Value error, "))
            continue
        name = str(problem["loc"][0])
        field = Settings.model_fields.get(name.lower())
        allowed = (field.description if field else None) or problem["msg"]
        variable = name if name.isupper() else f"TANDEM_{name.upper()}"
        found.append(f"{variable}: given {_given(variable, problem)}, allowed: {allowed}")
    return found


def _given(variable: str, problem: ErrorDetails) -> str:
    """What can be shown of it. Of an address that is little, so what is wrong with it is said."""
    if "SECRET" in variable or "PASSWORD" in variable:
        return "(hidden)"
    if variable in {"DATABASE_URL", "REDIS_URL"}:
        reason = problem["msg"].removeprefix("Value error, ")
        return f"{shown(str(problem['input']))!r} ({reason})"
    return CREDENTIALS.sub("(hidden)", repr(problem["input"]))


def _development_secret(data_dir: Path) -> SecretStr:
    """The key in DATA_DIR/secret_key, made by whoever comes first; raises SettingsError."""
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(prefix="secret_key.", dir=data_dir)  # 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)  # atomic: whoever comes second keeps the first one's key
        Path(draft).unlink()
    key = path.read_text().strip()
    if _is_short(key):
        raise SettingsError(f"{path} holds fewer than {SECRET_KEY_BYTES} bytes: remove it")
    return SecretStr(key)
