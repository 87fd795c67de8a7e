"""The addresses of the services: what is wrong with one is told at the start, and no password."""

from itertools import product

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from app.core.config import load_settings
from app.core.service_urls import REDIS, REDISS, shown, target_of
from tests.core.complaints import complaint

pytestmark = pytest.mark.usefixtures("environment")

ESCAPED = "%2F %3F %23 %5B %5D %40"

UNESCAPED = [
    "{scheme}://u:s3c/ret@h/0",
    "{scheme}://u:123/s3cret@h/0",
    "{scheme}://u:s3c#ret@h/0",
    "{scheme}://u:s3c?ret@h/0",
    "{scheme}://u:s3c?ret=1@h/0",
    "{scheme}://u:s3c[ret@h/0",
    "{scheme}://u:s3c]ret@h/0",
    "{scheme}://u:s3c@ret@h/0",
    "{scheme}://:s3c/ret@h",
    "{scheme}://u:s3cret",
    "{scheme}://u@h:s3cret/0",
    "{scheme}://h:99999/0",
    "{scheme}://h:0/0",
    "{scheme}://a host/0",
]

WRONG = [
    ("DATABASE_URL", "postgres://u:s3cret@db.example/d", "'postgres://db.example/(hidden)'"),
    ("DATABASE_URL", "postgres://u:p@h/d?password=s3cret", "'postgres://h/(hidden)'"),
    ("DATABASE_URL", "u:s3cret@h/d", "'(hidden)'"),
    ("DATABASE_URL", "postgresql://u:s3cret@h/d?connect_timeout=3", "no parameter connect_timeout"),
    ("DATABASE_URL", "postgresql://h/d?channel_binding=require", "no parameter channel_binding"),
    ("DATABASE_URL", "postgresql://h/d?sslmode=require&keepalives=1", "no parameter keepalives"),
    ("DATABASE_URL", "postgresql://h/d?s3c%20ret=1", "no parameter of that name"),
    ("DATABASE_URL", "postgresql://h/d?sslmode=s3cret", "sslmode is one of disable, allow, prefer"),
    ("DATABASE_URL", "postgresql://h/d?ssl=true", "sslmode is one of disable"),
    ("DATABASE_URL", "postgresql://h/d?target_session_attrs=standby", "any, primary, read-write"),
    ("DATABASE_URL", "postgresql://h/d?port=99999", "port is a number from 1 to 65535"),
    ("DATABASE_URL", "postgresql:///d?host=h:99999", "a port from 1 to 65535"),
    ("DATABASE_URL", "postgresql://h/d?sslmode", "NAME=VALUE"),
    ("DATABASE_URL", "postgresql://h,/d", "not HOST:PORT"),
    ("REDIS_URL", ":s3cret@host:6379", "'(hidden)'"),
    ("REDIS_URL", "redis://h/s3cret", "the number of a database"),
    ("REDIS_URL", "redis://h?db=s3cret", "db is a whole number"),
    ("REDIS_URL", "redis://h,other", "more than one host"),
    ("REDIS_URL", "redis://h?ssl_cert_reqs=none", "no parameter ssl_cert_reqs"),
    ("REDIS_URL", "rediss://h?ssl_cert_reqs=CERT_NONE", "one of none, optional, required"),
    ("REDIS_URL", "redis://h?decode_responses=true", "no parameter decode_responses"),
]

RIGHT = [
    ("DATABASE_URL", "postgresql:///tandem"),
    ("DATABASE_URL", "postgresql://u@/tandem?host=/run/postgresql&port=5433"),
    ("DATABASE_URL", "postgresql://%2Frun%2Fpostgresql/tandem"),
    ("DATABASE_URL", "postgresql://u:%2F%3F%23%5B%5D%40:p@h:5432/tandem"),
    ("DATABASE_URL", "postgresql://u:p@[::1]:5432,b:5433/d?target_session_attrs=read-write"),
    ("DATABASE_URL", "postgresql://h/d?options=-c%20search_path%3Dtandem&lock_timeout=7s"),
    ("DATABASE_URL", "postgresql://h/d?sslmode=verify-full&sslrootcert=ca.pem"),
    ("REDIS_URL", "redis://"),
    ("REDIS_URL", "redis://:%2F%40@[::1]:6379/1?protocol=3"),
    ("REDIS_URL", "unix://:p@/run/valkey.sock?db=1"),
]


@pytest.mark.parametrize("given", UNESCAPED)
@pytest.mark.parametrize(
    ("variable", "scheme"), [("DATABASE_URL", "postgresql"), ("REDIS_URL", "redis")]
)
def test_an_address_that_its_driver_would_take_apart_elsewhere_is_refused_and_not_shown(
    environment: pytest.MonkeyPatch, variable: str, scheme: str, given: str
) -> None:
    environment.setenv(variable, given.format(scheme=scheme))

    line = complaint()

    assert line.startswith(f"{variable}: given '{scheme}://(hidden)' (")
    assert ESCAPED in line
    assert not any(piece in line for piece in ("s3c", "ret", "99999", "\n"))


@pytest.mark.parametrize(("variable", "given", "told"), WRONG)
def test_what_is_wrong_with_an_address_is_told_in_one_line_without_a_secret(
    environment: pytest.MonkeyPatch, variable: str, given: str, told: str
) -> None:
    environment.setenv(variable, given)

    line = complaint()

    assert line.startswith(f"{variable}: given '")
    assert told in line.partition("allowed:")[0]
    assert not any(piece in line for piece in ("s3c", "\n"))


@pytest.mark.parametrize(("variable", "given"), RIGHT)
def test_an_address_that_its_driver_understands_is_taken_as_it_is(
    environment: pytest.MonkeyPatch, variable: str, given: str
) -> None:
    environment.setenv(variable, given)

    assert given in (load_settings().database_url, load_settings().redis_url)


@pytest.mark.parametrize(
    ("scheme", "name"), [*product(["redis"], REDIS), *product(["rediss"], REDISS)]
)
def test_redis_py_takes_every_parameter_that_is_let_through(scheme: str, name: str) -> None:
    value = {"protocol": "3", "ssl_cert_reqs": "none"}.get(name, "1")

    pool = Redis.from_url(f"{scheme}://h?{name}={value}").connection_pool

    connection = pool.connection_class(**pool.connection_kwargs)
    assert isinstance(connection, AbstractConnection)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("postgresql://u:p@h:5433/d", "h:5433"),
        ("postgresql://u:p@a,b:1/d", "a,b:1"),
        ("postgresql:///d?host=/run/postgresql", "/run/postgresql"),
        ("postgresql:///d", "the default host"),
    ],
)
def test_where_an_address_leads_to_is_told_without_who_signs_in(url: str, target: str) -> None:
    assert target_of(url) == target


def test_an_address_is_shown_without_its_ports_which_may_be_a_password() -> None:
    assert shown("postgresql://user:12345") == "postgresql://user/(hidden)"
