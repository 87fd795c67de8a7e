"""What a server to compare with is, and how the command finds them."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from math import inf
from pkgutil import iter_modules

from app.embedded import Services
from load import peers
from load.saturation import FIRST_RATE
from load.signing import Signing
from load.source import Source


@dataclass(frozen=True)
class Running:
    """A peer that answers. `dialect`: a name in `dialects`; `pid`: its main process; `until`: when
    the token ends, on the monotonic clock.
    """

    url: str
    pid: int
    source: Source
    dialect: str = "plain"
    token: str = ""
    channel: str = "orders"
    until: float = inf


@dataclass(frozen=True)
class SignedIn:
    """The same server, doing for a connection what Tandem does; `work` tells what of it."""

    start: Callable[[Services, Signing], AbstractAsyncContextManager[Running]]
    work: str = "a token, a count in Redis against a limit, two rooms"


def installed() -> str | None:
    return None


@dataclass(frozen=True)
class Peer:
    """`start` raises LoadError if it cannot. `missing`: what is not installed, None if all is.

    Only Tandem needs Postgres; `services` has none for the others. `first_rate`: where the search
    for the highest begins, not far below what 500 connections were once seen to take.
    """

    start: Callable[[Services], AbstractAsyncContextManager[Running]]
    missing: Callable[[], str | None] = installed
    needs_postgres: bool = False
    first_rate: float = FIRST_RATE
    signed_in: SignedIn | None = None
    """Plays `connect` besides."""


def find_peers() -> dict[str, Peer]:
    """By name: each module of `load.peers` but the package of servers holds one as PEER."""
    modules = [module.name for module in iter_modules(peers.__path__) if not module.ispkg]
    return {name.replace("_", "-"): _load(name) for name in modules}


def _load(module: str) -> Peer:
    found = import_module(f"{peers.__name__}.{module}").PEER
    if not isinstance(found, Peer):
        raise TypeError(f"load.peers.{module}.PEER is no Peer")
    return found
