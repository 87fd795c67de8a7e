"""Which source a run takes its events from."""

from argparse import ArgumentParser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load.errors import LoadError
from load.pipe import RedisPipe
from load.postgres import connected
from load.scenario import Stage
from load.source import Source
from load.sources.outbox import Outbox
from load.sources.rest import Rest
from load.sources.wire import Wire

CHANNEL = "orders"
WIDE_RING = {"TANDEM_RING_BYTES": "67108864", "TANDEM_RING_EVENTS": "200000"}


def add_source_flag(parser: ArgumentParser, *, default: str) -> None:
    parser.add_argument_group("source").add_argument(
        "--source",
        choices=("wire", "whole", "rest"),
        help="wire: numbered publications through Redis; whole: events through outbox and relay;"
        f" rest: real writes (default: {default}; with --url rest, the only one)",
    )
    parser.set_defaults(own_source=default)


def settings_for(source: str | None) -> dict[str, str]:
    """Of an own server: nobody nudges the relay when events are recorded past the API; what is
    published on the wire is in no log, so that falling behind the ring would end connections.
    """
    return {"whole": {"TANDEM_SWEEP_SECONDS": "0.002"}, "wire": WIDE_RING}.get(source or "", {})


@asynccontextmanager
async def source_of(stage: Stage) -> AsyncIterator[Source]:
    """The one that was asked for; raises LoadError if that needs a server of our own."""
    own = stage.options.own
    name = own.source or (own.own_source if stage.server else "rest")
    if name == "rest":
        owner = await stage.target.register_customer()
        yield Rest(stage.target, owner=owner, staff=stage.staff)
        return
    if stage.server is None:
        raise LoadError.refused(f"--source {name} is for an own server; with --url use rest")
    services, head = stage.server.services, await stage.target.head(stage.staff)
    if name == "wire":
        pipe = await RedisPipe.open(services.redis_url)
        epoch = await stage.target.epoch(stage.staff)
        yield Wire(pipe, epoch=epoch, channel=CHANNEL, head=head)
        pipe.close()
        return
    async with connected(services.database_url) as connection:
        yield Outbox(connection, [CHANNEL], head)
