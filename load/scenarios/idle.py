"""Memory of the server for each connection that is only there."""

from load import handshakes
from load.scenario import Scenario, Stage
from load.subject import Subject


async def play(stage: Stage) -> None:
    await handshakes.idle(stage, Subject.of_stage(stage))


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    defaults={"connections": 5000, "duration": 5.0},
    unheeded=frozenset({"rate", "warmup", "drain"}),
)
