"""`serve --reload`: what happens when a source file changes."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import watchfiles

from app.commands.serve import _reload
from app.supervisor import Supervisor


class Failing:
    """A supervisor that cannot start a worker the first time."""

    def __init__(self) -> None:
        self.asked = 0

    async def restart(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise OSError("no more processes")


async def test_a_start_that_failed_is_tried_again_at_the_next_change(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def changes(*_arguments: Any, **_options: Any) -> AsyncIterator[set[Any]]:
        yield set()
        yield set()

    supervisor = Failing()
    monkeypatch.setattr(watchfiles, "awatch", changes)
    await _reload(cast("Supervisor", supervisor))

    assert supervisor.asked == 2
    assert "no worker could be started: no more processes" in capfd.readouterr().err
