"""The command line: what it tells, and when it refuses to start."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from app.core.config import Settings
from app.embedded import Services
from app.migrations import newest_revision
from tests.databases import own_database
from tests.embedded_holder import query
from tests.end_to_end.server import LIMIT_SECONDS

BIN = Path(sys.executable).parent
SERVICES = ("DATABASE_URL", "REDIS_URL")
WITHOUT_WATCHFILES = """
import sys
sys.modules["watchfiles"] = None
from app.__main__ import main
sys.exit(main(["serve", "--reload", "--port", "0"]))
"""


detail = pytest.mark.detail
each = pytest.mark.parametrize(
    "command",
    ["migrate", pytest.param("seed", marks=detail), pytest.param("epoch", marks=detail)],
)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself, without the services' addresses unless they are given."""
    inherited = {key: value for key, value in os.environ.items() if key not in SERVICES}
    return subprocess.run(  # noqa: S603 - our own commands
        command,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def app(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "app", *arguments, **environment)


async def app_on(
    url: str, template: Services, tmp_path: Path, command: str
) -> subprocess.CompletedProcess[str]:
    """A command on this database."""
    services = {"DATABASE_URL": url, "REDIS_URL": template.redis_url}
    return await asyncio.to_thread(app, command, TANDEM_DATA_DIR=str(tmp_path), **services)


def assert_one_line(done: subprocess.CompletedProcess[str], says: str) -> None:
    """Ended with 1, and with a single line that says why."""
    assert done.returncode == 1, done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_version_is_told() -> None:
    assert app("--version").stdout == f"tandem {__version__}\n"


def test_help_lists_the_commands() -> None:
    told = app("--help").stdout

    assert all(command in told for command in ("serve", "migrate", "seed", "epoch"))


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("app.__main__", {"asyncio", "pydantic"}),
        ("app.commands.serve", {"fastapi", "starlette", "uvicorn", "sqlalchemy"}),
    ],
    ids=["help", "supervisor"],
)
def test_what_is_slow_to_import_is_left_to_who_needs_it(module: str, without: set[str]) -> None:
    imported = run(sys.executable, "-c", f"import sys, {module}; print(*sys.modules)")

    assert module in imported.stdout.split()
    assert not without & set(imported.stdout.split())


def test_a_private_database_is_migrated_and_seeded(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = str(tmp_path_factory.mktemp("commands"))
    environment = {"TANDEM_DATA_DIR": data, "TANDEM_ENVIRONMENT": "test"}

    migrated = app("migrate", **environment)
    seeded = [app("seed", **environment).stdout for _ in range(2)]

    assert migrated.stdout == f"tandem: the database is at {newest_revision()}\n"
    assert seeded == ["tandem: made the demo data\n", "tandem: the demo data is there\n"]


async def test_the_schema_of_a_later_release_is_left_as_it_is(
    template: Services, tmp_path: Path
) -> None:
    async with own_database(template) as url:
        await query(url, "UPDATE alembic_version SET version_num = '9999'")
        done = await app_on(url, template, tmp_path, "migrate")
        left = await query(url, "SELECT version_num FROM alembic_version")

    known = newest_revision()
    said = f"tandem: the database is at 9999, newer than this release's {known}: "
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == said + "nothing was changed\n"
    assert left == "9999"


async def test_the_schema_of_another_application_is_refused(
    template: Services, tmp_path: Path
) -> None:
    async with own_database(template) as url:
        await query(url, "UPDATE alembic_version SET version_num = 'ae1027a6acf2'")
        done = await app_on(url, template, tmp_path, "migrate")

    assert_one_line(done, "the database is at revision ae1027a6acf2, which is none of Tandem's")


@each
def test_a_database_that_is_not_there_is_told_in_one_line(
    settings: Settings, tmp_path: Path, command: str
) -> None:
    services = {
        "DATABASE_URL": f"{settings.database_url.rpartition('/')[0]}/elsewhere",
        "REDIS_URL": settings.redis_url,
    }

    assert_one_line(
        app(command, TANDEM_DATA_DIR=str(tmp_path), **services),
        'Postgres says: database "elsewhere" does not exist',
    )


@each
def test_a_setting_that_the_server_does_not_have_is_told_in_one_line(
    settings: Settings, tmp_path: Path, command: str
) -> None:
    url = f"{settings.database_url}?lock_timeouts=1"
    done = app(command, TANDEM_DATA_DIR=str(tmp_path), DATABASE_URL=url, REDIS_URL="redis://h")

    assert_one_line(done, 'Postgres says: unrecognized configuration parameter "lock_timeouts"')


@each
@pytest.mark.parametrize("where", ["127.0.0.1:1", "nowhere.invalid:5433"])
def test_a_postgres_that_cannot_be_reached_is_named_in_one_line(
    tmp_path: Path, where: str, command: str
) -> None:
    services = {"DATABASE_URL": f"postgresql://u:s3cret@{where}/d", "REDIS_URL": "redis://h"}
    done = app(command, TANDEM_DATA_DIR=str(tmp_path), **services)

    assert_one_line(done, f"tandem: DATABASE_URL: {where}: [Errno ")
    assert "s3cret" not in done.stderr


@each
def test_a_postgres_that_does_not_say_a_word_is_given_up_and_named(
    tmp_path: Path, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        services = {"DATABASE_URL": f"postgresql://u@{where}/d", "REDIS_URL": "redis://h"}
        done = app(command, TANDEM_DATA_DIR=str(tmp_path), **services)

    assert_one_line(done, f"tandem: DATABASE_URL: {where}: no answer in time")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("migrate", "no schema has been selected to create in"),
        ("seed", "does not exist; python -m app migrate makes the tables"),
        pytest.param(
            "epoch", "does not exist; python -m app migrate makes the tables", marks=detail
        ),
    ],
)
async def test_a_database_without_schema_or_tables_is_told_in_one_line(
    template: Services, tmp_path: Path, command: str, says: str
) -> None:
    async with own_database(template) as url:
        await query(url, "DROP SCHEMA public CASCADE")
        done = await app_on(url, template, tmp_path, command)

    assert_one_line(done, says)


def test_the_epoch_is_told_and_can_be_renewed(settings: Settings, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": settings.database_url, "TANDEM_DATA_DIR": str(tmp_path)}
    epochs = [app("epoch", *renew, **environment).stdout for renew in ([], [], ["--renew"])]

    assert epochs[0] == epochs[1] != epochs[2]


@pytest.mark.parametrize(
    "arguments", [pytest.param(["epoch"], marks=detail), ["epoch", "--renew"]], ids=str
)
def test_the_epoch_of_no_database_is_refused_and_none_is_started(
    arguments: list[str], tmp_path: Path
) -> None:
    """Whoever forgets the address after a restore must not renew another log, and be content."""
    done = app(*arguments, TANDEM_DATA_DIR=str(tmp_path))

    assert_one_line(done, "DATABASE_URL must be set: it says whose log is meant")
    assert done.stdout == ""
    assert {path.name for path in tmp_path.iterdir()} <= {"secret_key"}


def test_the_epoch_needs_no_redis(settings: Settings, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": settings.database_url, "TANDEM_DATA_DIR": str(tmp_path)}
    key = settings.secret_key.get_secret_value()
    done = app("epoch", TANDEM_ENVIRONMENT="production", TANDEM_SECRET_KEY=key, **environment)

    assert (done.returncode, done.stderr) == (0, "")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["serve", "--port", "x"], ["serve", "--workers", "0"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert app(*arguments).returncode == 2


def test_a_wrong_setting_stops_the_start_with_its_name(tmp_path: Path) -> None:
    done = app("serve", TANDEM_PING_SECONDS="soon", TANDEM_DATA_DIR=str(tmp_path))

    assert_one_line(done, "TANDEM_PING_SECONDS: given 'soon', allowed: a number above 0")


def test_a_misspelt_setting_is_warned_of_once(settings: Settings, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": settings.database_url, "TANDEM_DATA_DIR": str(tmp_path)}
    done = app("epoch", TANDEM_PING_SECOND="1", **environment)

    assert done.returncode == 0
    assert done.stderr.count("did you mean TANDEM_PING_SECONDS?") == 1


def test_reloading_without_what_it_needs_is_refused(tmp_path: Path) -> None:
    done = run(sys.executable, "-c", WITHOUT_WATCHFILES, TANDEM_DATA_DIR=str(tmp_path))

    assert_one_line(done, "--reload needs watchfiles: pip install watchfiles")
    assert not any(tmp_path.iterdir())


def test_a_port_that_is_taken_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = app(
            "serve",
            "--port",
            port,
            DATABASE_URL=settings.database_url,
            REDIS_URL=settings.redis_url,
            TANDEM_DATA_DIR=str(tmp_path),
        )

    assert_one_line(done, f"cannot listen on 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "app", "serve"],
        pytest.param([str(BIN / "uvicorn"), "app.main:app"], marks=detail),
        [str(BIN / "gunicorn"), "app.main:app", "-k", "app.server.Worker", "-b", "127.0.0.1:0"],
    ],
    ids=["serve", "uvicorn", "gunicorn"],
)
def test_production_without_services_does_not_start(command: list[str], tmp_path: Path) -> None:
    done = run(
        *command,
        TANDEM_ENVIRONMENT="production",
        TANDEM_SECRET_KEY="x" * 32,
        TANDEM_DATA_DIR=str(tmp_path),
    )

    assert_one_line(done, "DATABASE_URL and REDIS_URL must be set")
