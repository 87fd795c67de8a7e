"""What connections are opened to: a Tandem or a peer, without what makes its events."""

from dataclasses import dataclass

from load.messages import Job
from load.peer import Running
from load.scenario import Stage


@dataclass(frozen=True)
class Subject:
    """Scenarios that make no events play on it, whatever server it is."""

    url: str
    token: str = ""
    channel: str = "orders"
    dialect: str = "tandem"

    @classmethod
    def of_stage(cls, stage: Stage) -> "Subject":
        return cls(stage.target.url, stage.staff.token)

    @classmethod
    def of_peer(cls, running: Running) -> "Subject":
        return cls(running.url, running.token, running.channel, running.dialect)

    def job(self, connections: int, at_once: int = 32) -> Job:
        return Job(self.url, self.token, self.channel, connections, self.dialect, at_once)
