"""Where a run took place: figures mean nothing without it."""

import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_LIBRARIES = (
    *("fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "websockets"),
    *("sqlalchemy", "asyncpg", "redis", "httpx"),
)
_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """The client's; the server's too unless --url points elsewhere. Memory in MB (10^6 bytes)."""

    cpu: str
    cores: int
    memory_mb: int
    kernel: str
    python: str
    libraries: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line for the terminal."""
        memory = f"{self.memory_mb / 1000:.0f} GB"
        names = ("fastapi", "uvicorn", "uvloop", "websockets")
        some = [f"{name} {self.libraries[name]}" for name in names if name in self.libraries]
        parts = (f"{self.cpu}, {self.cores} cores, {memory}", self.kernel, f"Python {self.python}")
        return " · ".join((*parts, *some))


def describe() -> Machine:
    return Machine(
        cpu=_cpu_model(),
        cores=_usable_cores(),
        memory_mb=psutil.virtual_memory().total // 1_000_000,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
    )


def _cpu_model() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _usable_cores() -> int:
    """What this process may use, which in a container can be less than what there is."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
