"""Connections a second: opened, signed in and subscribed."""

from load import handshakes
from load.scenario import Scenario, Stage
from load.subject import Subject


async def play(stage: Stage) -> None:
    await handshakes.connect(stage, Subject.of_stage(stage))


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    defaults={"connections": 2000, "duration": 5.0},
    unheeded=frozenset({"rate", "duration", "warmup", "drain"}),
)
