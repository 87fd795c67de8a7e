"""What a scenario is, and how the command finds them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from math import inf
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from load import scenarios
from load.interruption import Interruption
from load.report import Outcome
from load.screen import Screen
from load.server import OwnServer
from load.target import Account, Target


@dataclass(frozen=True)
class Options:
    """The flags, checked. `rate` is events a second; `duration`, `warmup`, `drain` are seconds."""

    url: str | None
    email: str
    password: str
    connections: int
    rate: float
    duration: float
    json: Path | None
    workers: int
    processes: int
    warmup: float
    drain: float
    html: Path | None = None
    own: Namespace = field(default_factory=Namespace)
    """Every flag as it was parsed, those that the scenario added among them."""


@dataclass(frozen=True)
class Bench:
    """What is measured, and with what. `server_pid`: None when the server is not ours to see.

    `outcome` is what was found so far: all that is told when the run ends, or is interrupted.
    `until`: when the token ends that everybody has, on the monotonic clock.
    """

    options: Options
    screen: Screen
    interruption: Interruption
    outcome: Outcome
    peer: str
    server_pid: int | None
    until: float = field(default=inf, kw_only=True)


@dataclass(frozen=True)
class Stage(Bench):
    """What a scenario plays on: a Tandem that answers, and someone signed in to it."""

    target: Target
    staff: Account
    server: OwnServer | None
    """None when it is not ours."""


def no_flags(parser: ArgumentParser) -> None:
    del parser


@dataclass(frozen=True)
class Scenario:
    """`play` measures a Tandem, `play_alone` what it starts itself; both may raise LoadError and
    add what they find to the outcome at once.

    `add_flags` adds flags of its own to the command, `defaults` replaces those of the common ones.
    """

    summary: str
    play: Callable[[Stage], Awaitable[None]] | None = None
    play_alone: Callable[[Bench], Awaitable[None]] | None = None
    add_flags: Callable[[ArgumentParser], None] = no_flags
    defaults: Mapping[str, Any] = field(default_factory=dict)
    unheeded: frozenset[str] = frozenset()
    """Common flags that change nothing here."""


def find_scenarios() -> dict[str, Scenario]:
    """By name: each module of `load.scenarios` holds one as SCENARIO, and is named for it."""
    names = sorted(module.name for module in iter_modules(scenarios.__path__))
    return {name: _load(name) for name in names}


def _load(name: str) -> Scenario:
    found = import_module(f"{scenarios.__name__}.{name}").SCENARIO
    if not isinstance(found, Scenario):
        raise TypeError(f"load.scenarios.{name}.SCENARIO is no Scenario")
    return found
