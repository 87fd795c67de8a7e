"""`serve`: private services are migrated and seeded while the workers start."""

import argparse
import asyncio
import sys
from functools import partial

from app.core.config import Settings
from app.embedded import Services
from app.embedded_keeper import keep
from app.supervisor import Supervisor


async def serve(options: argparse.Namespace, settings: Settings, private: Services) -> None:
    supervisor = Supervisor(settings, options.host, options.port, options.workers)

    def announce(url: str) -> None:
        print(f"Tandem listening on {url}", flush=True)
        if options.seed:
            _print_demo(url)

    beside = [asyncio.create_task(keep(private.servers), name="keep")]
    if options.reload:
        beside.append(asyncio.create_task(_reload(supervisor), name="reload"))
    try:
        await supervisor.run(partial(_prepare, options, settings, private), announce)
    finally:
        for task in beside:
            task.cancel()


async def _prepare(options: argparse.Namespace, settings: Settings, private: Services) -> None:
    if not (private.database_url or options.seed):
        return
    from app.commands import database  # noqa: PLC0415 - slow: workers start meanwhile

    if private.database_url:
        await database.migrate_private(settings)
    if options.seed:
        await database.seed(settings, private=False)


async def _reload(supervisor: Supervisor) -> None:
    """Replace the workers whenever a source file changes."""
    from watchfiles import PythonFilter, awatch  # noqa: PLC0415 - a tool for development

    async for _changes in awatch("app", watch_filter=PythonFilter()):
        print("tandem: the code changed, starting anew", flush=True)
        try:
            await supervisor.restart()
        except (OSError, RuntimeError) as error:  # the next change may find a process to be had
            print(f"tandem: no worker could be started: {error}", file=sys.stderr, flush=True)


def _print_demo(url: str) -> None:
    from app.seed import DEMO_PASSWORD, PEOPLE  # noqa: PLC0415 - imported before, by what seeds

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
