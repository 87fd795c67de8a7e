"""The commands, each with the settings and services that it needs.

What only some of them need is imported by those: a supervisor lives without a framework and without
SQLAlchemy, which its workers have.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from app.core.config import (
    Settings,
    SettingsError,
    load_settings,
    missing_services,
    warn_of_unknown,
)
from app.core.logging import configure_logging
from app.embedded import Services, private_services
from app.processes import raise_file_limit
from app.supervisor import ServeError


def start(options: argparse.Namespace) -> None:
    """Until the command is done. Raises OperatorError, OSError, and KeyboardInterrupt."""
    if options.command == "serve" and options.reload and find_spec("watchfiles") is None:
        raise ServeError("--reload needs watchfiles: pip install watchfiles")
    settings = load_settings()
    configure_logging(settings.log_level)
    warn_of_unknown()
    raise_file_limit()
    on_terminate = signal.getsignal(signal.SIGTERM)
    with services(settings, options.command) as (settings, private):
        try:
            asyncio.run(_command(options, settings, private))
        finally:
            signal.signal(signal.SIGTERM, on_terminate)  # the loop took its own along


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


def _command(
    options: argparse.Namespace, settings: Settings, private: Services
) -> Coroutine[None, None, None]:
    if options.command == "serve":
        from app.commands.serve import serve  # noqa: PLC0415 - as the module says

        return serve(options, settings, private)
    from app.commands import database  # noqa: PLC0415 - as the module says

    match options.command:
        case "migrate":
            return database.migrate(settings)
        case "seed":
            return database.seed(settings, private=bool(private.database_url))
        case _:
            return database.epoch(settings, renew=options.renew)
