"""Faults on purpose, for tests: points at which a process kills itself or waits.

TANDEM_FAILPOINTS is a comma separated list of `point=action` or `point=action@FILE`; an action
is `kill` (SIGKILL to itself) or `wait:SECONDS`. With FILE the point is armed while FILE exists,
and whoever removes it is the one that fires, so that of many processes exactly one does, once.
Settings refuse failpoints unless the environment is `test`.
"""

import asyncio
import os
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ACTION = re.compile(r"kill|wait:[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Failpoint:
    action: str
    armed_by: Path | None

    def claim(self) -> bool:
        if self.armed_by is None:
            return True
        try:
            self.armed_by.unlink()
        except FileNotFoundError:
            return False
        return True


class Failpoints:
    """The armed points of this process; `reach` costs one look into an empty dict otherwise."""

    def __init__(self, specifications: Iterable[str] = ()) -> None:
        self._points = dict(map(_parse, specifications))

    async def reach(self, name: str) -> None:
        point = self._points.get(name)
        if point is None or not point.claim():
            return
        if point.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(float(point.action.removeprefix("wait:")))


def _parse(specification: str) -> tuple[str, Failpoint]:
    name, _, action = specification.partition("=")
    action, _, path = action.partition("@")
    if ACTION.fullmatch(action) is None:
        raise ValueError(f"failpoint {specification!r}: an action is kill or wait:SECONDS")
    return name, Failpoint(action, Path(path) if path else None)
