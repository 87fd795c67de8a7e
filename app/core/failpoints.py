"""Faults on purpose, for tests: points at which a process kills itself or waits.

TANDEM_FAILPOINTS is a comma separated list of `point=action` or `point=action@FILE`; an action
is `kill` (SIGKILL to itself), `wait:SECONDS`, or what is done to every nth delivery at
`transport.send`: `drop:N`, `repeat:N`, `swap:N`. With FILE the point is armed while FILE exists,
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

ACTION = re.compile(r"kill|wait:[0-9]+(\.[0-9]+)?|(drop|repeat|swap):[1-9][0-9]*")

DEFECTS = ("drop", "repeat", "swap")


@dataclass(frozen=True)
class Failpoint:
    action: str
    armed_by: Path | None

    @property
    def is_defect(self) -> bool:
        return self.action.startswith(DEFECTS)

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
        if point.is_defect:
            raise ValueError(f"failpoint {name!r}: {point.action} is for `transport.send`")
        await asyncio.sleep(float(point.action.removeprefix("wait:")))

    def defect(self, name: str) -> tuple[str, int] | None:
        """What is to be done there, and to every how manieth; None if nothing is."""
        point = self._points.get(name)
        if point is None or not point.is_defect:
            return None
        action, _, every = point.action.partition(":")
        return action, int(every)


def _parse(specification: str) -> tuple[str, Failpoint]:
    name, _, action = specification.partition("=")
    action, _, path = action.partition("@")
    if ACTION.fullmatch(action) is None:
        raise ValueError(
            f"failpoint {specification!r}: an action is kill, wait:SECONDS,"
            " drop:N, repeat:N or swap:N"
        )
    return name, Failpoint(action, Path(path) if path else None)
