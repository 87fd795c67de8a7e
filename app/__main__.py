"""`python -m app serve | migrate | seed | epoch`."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import NoReturn

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError

from app import __version__, migrations
from app.core.complaints import Unreachable, asking, complaint_of
from app.core.config import (
    Settings,
    SettingsError,
    load_settings,
    missing_services,
    warn_of_unknown,
)
from app.core.database import create_engine, create_sessions
from app.core.logging import configure_logging
from app.embedded import EmbeddedError, Services, private_services
from app.embedded_keeper import keep
from app.realtime.log.epoch import read_epoch, renew_epoch
from app.server import raise_file_limit
from app.supervisor import ServeError, Supervisor

FAILURES = (
    SettingsError,
    EmbeddedError,
    ServeError,
    migrations.MigrationError,
    Unreachable,
    OSError,
)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m app", description="Tandem: a real-time collaborative order backend."
    )
    parser.add_argument("--version", action="version", version=f"tandem {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the API, the sockets and the pages")
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument("--port", type=_port, default=8000, help="0: any; default: %(default)s")
    serve.add_argument("--workers", type=_workers, default=1, help="default: %(default)s")
    serve.add_argument("--seed", action="store_true", help="make the demo data first")
    serve.add_argument("--reload", action="store_true", help="start anew when the code changes")
    commands.add_parser("migrate", help="bring the database to the newest schema")
    commands.add_parser("seed", help="make the demo data (not in production)")
    epoch = commands.add_parser("epoch", help="show which log this is")
    epoch.add_argument("--renew", action="store_true", help="after a restore from a backup")
    return parser.parse_args(arguments)


class Terminated(KeyboardInterrupt):
    """SIGTERM, while no event loop handles it."""


def main(arguments: list[str] | None = None) -> int:
    """0 after a clean end, 1 could not start, 2 usage. SIGTERM and SIGINT are a clean end of
    `serve`; what else they interrupt is not done: 128 and their number, as a shell has it.
    """
    options = parse_arguments(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        _start(options)
    except FAILURES as error:
        print(f"tandem: {error}", file=sys.stderr)
        return 1
    except (PostgresError, DBAPIError) as error:
        if (complaint := complaint_of(error)) is None:
            raise
        print(f"tandem: {complaint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        number = signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT
        return 0 if options.command == "serve" else 128 + number
    return 0


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _start(options: argparse.Namespace) -> None:
    if options.command == "serve" and options.reload and find_spec("watchfiles") is None:
        raise ServeError("--reload needs watchfiles: pip install watchfiles")
    settings = load_settings()
    configure_logging(settings.log_level)
    warn_of_unknown()
    raise_file_limit()
    with services(settings, options.command) as (settings, private):
        try:
            asyncio.run(_run(options, settings, private))
        finally:
            signal.signal(signal.SIGTERM, _terminate)  # the loop took its own along


@contextmanager
def services(settings: Settings, command: str) -> Iterator[tuple[Settings, Services]]:
    """The settings with every service address, and those services that are private ones.

    `epoch` starts none: the log that it shows or renews has to be the one that was meant.
    """
    missing = missing_services(settings)
    if command == "epoch":
        if "DATABASE_URL" in missing:
            raise SettingsError("DATABASE_URL must be set: it says whose log is meant")
        missing = []
    if missing and settings.environment == "production":
        raise SettingsError(f"{' and '.join(missing)} must be set in production")
    if not missing:
        yield settings, Services("", "")
        return
    postgres, valkey = "DATABASE_URL" in missing, "REDIS_URL" in missing
    durable = settings.environment != "test"
    with private_services(
        settings.data_dir, postgres=postgres, valkey=valkey, durable=durable
    ) as private:
        os.environ["DATABASE_URL"] = private.database_url or settings.database_url
        os.environ["REDIS_URL"] = private.redis_url or settings.redis_url
        yield load_settings(), private


async def _run(options: argparse.Namespace, settings: Settings, private: Services) -> None:
    match options.command:
        case "serve":
            await _serve(options, settings, private)
        case "migrate":
            await _migrate(settings)
        case "seed":
            await _seed(settings, private=bool(private.database_url))
        case _:
            await _epoch(settings, renew=options.renew)


async def _migrate(settings: Settings) -> None:
    with asking(settings.database_url):
        revision, hint = await migrations.migrate(settings.database_url), ""
    if migrations.is_newer(revision):
        hint = f", newer than this release's {migrations.newest_revision()}: nothing was changed"
    print(f"tandem: the database is at {revision}{hint}")


async def _serve(options: argparse.Namespace, settings: Settings, private: Services) -> None:
    supervisor = Supervisor(settings, options.host, options.port, options.workers)

    async def prepare() -> None:
        if private.database_url:
            await migrations.migrate(settings.database_url)
        if options.seed:
            await _seed(settings, private=False)

    def announce(url: str) -> None:
        print(f"Tandem listening on {url}", flush=True)
        if options.seed:
            _print_demo(url)

    beside = [asyncio.create_task(keep(private.servers), name="keep")]
    if options.reload:
        beside.append(asyncio.create_task(_reload(supervisor), name="reload"))
    try:
        await supervisor.run(prepare, announce)
    finally:
        for task in beside:
            task.cancel()


async def _reload(supervisor: Supervisor) -> None:
    """Replace the workers whenever a source file changes."""
    from watchfiles import PythonFilter, awatch  # noqa: PLC0415 - a tool for development

    async for _changes in awatch("app", watch_filter=PythonFilter()):
        print("tandem: the code changed, starting anew", flush=True)
        await supervisor.restart()


async def _seed(settings: Settings, *, private: bool) -> None:
    if settings.environment == "production":
        raise SettingsError("demo data is not for production")
    if private:
        await migrations.migrate(settings.database_url)
    from app.seed import seed  # noqa: PLC0415 - slow to import: workers start meanwhile

    engine = create_engine(settings)
    try:
        with asking(settings.database_url):
            made = await seed(create_sessions(engine), settings)
    finally:
        await engine.dispose()
    print(f"tandem: {'made the demo data' if made else 'the demo data is there'}", flush=True)


async def _epoch(settings: Settings, *, renew: bool) -> None:
    engine = create_engine(settings)
    try:
        with asking(settings.database_url):
            async with create_sessions(engine)() as session, session.begin():
                if renew:
                    await renew_epoch(session)
                print(await read_epoch(session))
    finally:
        await engine.dispose()


def _print_demo(url: str) -> None:
    from app.seed import DEMO_PASSWORD, PEOPLE  # noqa: PLC0415 - imported before, by _seed

    print("\nSign in with the password", DEMO_PASSWORD, "as")
    for email, _name, role in PEOPLE:
        print(f"  {email:24} {role}")
    print("\nPlace an order:\n")
    print(
        f"  TOKEN=$(curl -s {url}/api/v1/auth/token -d username=cleo@tandem.example "
        f"-d password={DEMO_PASSWORD} | python3 -c 'import json,sys; "
        'print(json.load(sys.stdin)["access_token"])\') && '
        f'curl -s {url}/api/v1/orders -H "Authorization: Bearer $TOKEN" '
        '-H \'Content-Type: application/json\' -d \'{"currency":"EUR","items":[{"sku":'
        '"NW-011","name":"Queso Cabrales","quantity":12,"unit_price":"14.00"}]}\'\n',
        flush=True,
    )


def _port(value: str) -> int:
    port = int(value)
    if not 0 <= port <= 65_535:  # noqa: PLR2004 - TCP's own
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return port


def _workers(value: str) -> int:
    workers = int(value)
    if workers < 1:
        raise argparse.ArgumentTypeError("at least one worker")
    return workers


if __name__ == "__main__":
    sys.exit(main())
