"""What a scenario is, and how the command finds them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from load import scenarios
from load.interruption import Interruption
from load.report import Outcome
from load.screen import Screen
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
    own: Namespace = field(default_factory=Namespace)
    """Every flag as it was parsed, those that the scenario added among them."""


@dataclass(frozen=True)
class Stage:
    """What a scenario plays on: a target that answers, and someone signed in to it."""

    options: Options
    screen: Screen
    target: Target
    staff: Account
    interruption: Interruption
    server_pid: int | None
    """The server's main process; None when it is not ours."""


def no_flags(parser: ArgumentParser) -> None:
    del parser


@dataclass(frozen=True)
class Scenario:
    """`play` measures; it may raise LoadError. `add_flags` adds flags of its own to the command."""

    summary: str
    play: Callable[[Stage], Awaitable[Outcome]]
    add_flags: Callable[[ArgumentParser], None] = no_flags


def find_scenarios() -> dict[str, Scenario]:
    """By name: each module of `load.scenarios` holds one as SCENARIO, and is named for it."""
    names = sorted(module.name for module in iter_modules(scenarios.__path__))
    return {name: _load(name) for name in names}


def _load(name: str) -> Scenario:
    found = import_module(f"{scenarios.__name__}.{name}").SCENARIO
    if not isinstance(found, Scenario):
        raise TypeError(f"load.scenarios.{name}.SCENARIO is no Scenario")
    return found
