"""CPU and memory of the processes of a run, read from the system at two moments."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import psutil

from load import cores

BOUND = 0.9
_MEGABYTE = 1_000_000
_SERVICES = {"postgres": "Postgres", "unshare": "Postgres", "valkey": "Valkey", "redis": "Valkey"}


@dataclass(frozen=True)
class Usage:
    """CPU in cores (1.0: one core all the time), memory in MB (10^6 bytes).

    `client` is the busiest client process, since each has one thread: past BOUND it measures
    itself. `load_cores`: how busy the cores are that the server does not run on, by whatever it is;
    where none are set apart, `machine_cores` is that of all that the load may use. `server` and
    `server_rss` are the server's own processes, `services` our private Postgres and Valkey by name;
    None and empty when the server is not ours to see.
    """

    client: float
    server: float | None = None
    server_rss: float | None = None
    services: dict[str, float] = field(default_factory=dict)
    load_cores: float | None = None
    machine_cores: float | None = None

    @property
    def load(self) -> dict[str, float]:
        """As a row of the report has it."""
        shares = {"load_cores": self.load_cores, "machine_cores": self.machine_cores}
        return {name: share for name, share in shares.items() if share is not None}

    @property
    def client_bound(self) -> bool:
        return max(self.client, self.load_cores or 0.0) > BOUND

    @property
    def machine_bound(self) -> bool:
        """Server and load, or the load alone, had no core left."""
        return (self.machine_cores or 0.0) > BOUND


@dataclass(frozen=True)
class _Sample:
    role: str
    cpu: float
    rss: int


class Meter:
    """Started at one moment and read at a later one; processes that end in between do not count."""

    def __init__(self, clients: Iterable[int], server: int | None) -> None:
        self._clients = list(clients)
        self._server = server
        self._begin = time.monotonic()
        self._before = self._sample()
        self._apart = cores.load_cores()
        self._cores = self._apart or cores.usable()
        self._idle = _idle_seconds(self._cores)

    def read(self) -> Usage:
        seconds = time.monotonic() - self._begin
        shares: dict[str, list[float]] = {}
        rss = 0
        for pid, now in self._sample().items():
            before = self._before.get(pid)
            share = (now.cpu - (before.cpu if before else 0.0)) / seconds
            shares.setdefault(now.role, []).append(share)
            rss += now.rss if now.role == "server" else 0
        client = round(max(shares.pop("client", [0.0])), 3)
        idle = (_idle_seconds(self._cores) - self._idle) / (seconds * len(self._cores))
        busy = round(1 - idle, 3)
        here = Usage(client, load_cores=busy) if self._apart else Usage(client, machine_cores=busy)
        if self._server is None:
            return here
        total = {role: round(sum(each), 3) for role, each in shares.items()}
        server, memory = total.pop("server", 0.0), round(rss / _MEGABYTE, 1)
        return replace(here, server=server, server_rss=memory, services=total)

    def cpu_seconds(self) -> float:
        """Of the server's own processes, since the start; 0.0 when they are not ours to see."""
        now = {pid: each for pid, each in self._sample().items() if each.role == "server"}
        known = sum(each.cpu for pid, each in self._before.items() if pid in now)
        return sum(each.cpu for each in now.values()) - known

    def memory(self) -> int:
        """Bytes that the server's own processes have at this moment."""
        return sum(each.rss for each in self._sample().values() if each.role == "server")

    def _sample(self) -> dict[int, _Sample]:
        samples: dict[int, _Sample] = {}
        for pid in self._clients:
            with suppress(psutil.NoSuchProcess):  # whoever reads from it tells that it has ended
                samples[pid] = _sample(psutil.Process(pid), "client")
        for process in _tree(self._server):
            _add(samples, process, _service(process) or "server")
        for process in psutil.Process().children(recursive=True) if self._server else ():
            if process.pid not in samples and (service := _service(process)):
                _add(samples, process, service)
        return samples


def _tree(pid: int | None) -> list[psutil.Process]:
    if pid is None or not psutil.pid_exists(pid):
        return []
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _service(process: psutil.Process) -> str | None:
    try:
        name = process.name()
    except psutil.NoSuchProcess:
        return None
    return next((role for start, role in _SERVICES.items() if name.startswith(start)), None)


def _add(samples: dict[int, _Sample], process: psutil.Process, role: str) -> None:
    try:
        samples[process.pid] = _sample(process, role)
    except psutil.NoSuchProcess:
        return


def _sample(process: psutil.Process, role: str) -> _Sample:
    with process.oneshot():
        cpu = process.cpu_times()
        return _Sample(role, cpu.user + cpu.system, process.memory_info().rss)


def _idle_seconds(those: Sequence[int]) -> float:
    """Of these cores together."""
    each = psutil.cpu_times(percpu=True)
    return sum(each[core].idle + getattr(each[core], "iowait", 0.0) for core in those)
