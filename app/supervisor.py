"""`serve`: keeps the workers of one address running, and ends them in order."""

import asyncio
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count

from app.core.config import Settings
from app.core.operator_errors import OperatorError
from app.figures_directory import make_figures_directory
from app.processes import GO, GRACE_SECONDS, MULTIPROC

logger = logging.getLogger(__name__)

READY_SECONDS = 30.0
RESTART_SECONDS = 0.2
RESTART_MAX_SECONDS = 10.0
"""The pause doubles up to here while workers cannot be started, or end before they are ready."""
KILL_SECONDS = 5.0


class ServeError(OperatorError):
    """Tandem could not be served; one clear line."""


@dataclass(eq=False)
class WorkerProcess:
    """A worker, the name of its figures' files, and the pipe that keeps it alive."""

    process: subprocess.Popen[bytes]
    name: str
    alive: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def go(self) -> None:
        """Everything is prepared: serve. One that has ended already is nobody's loss."""
        with suppress(OSError):
            os.write(self.alive, GO)


def reserve(host: str, port: int) -> tuple[socket.socket, ...]:
    """Hold the address for the workers, without listening; raises ServeError if it is taken.

    As nobody listens yet, the kernel would let a second supervisor have it, too: where there are
    names for that (unix(7), "Abstract sockets"), one of them is taken as well.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:  # refused where others listen
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        with ExitStack() as failed:
            held = failed.enter_context(socket.socket(family, socket.SOCK_STREAM))
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(address)
            sockets = [held]
            if sys.platform == "linux":
                sockets += _take_name(failed, f"\0tandem {held.getsockname()}")
            failed.pop_all()
    except OSError as error:
        raise ServeError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return tuple(sockets)


def _take_name(failed: ExitStack, name: str) -> list[socket.socket]:
    """Nothing where there may be no such sockets; raises OSError if another has the name."""
    try:
        taken = failed.enter_context(socket.socket(socket.AF_UNIX))
        taken.bind(name)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise
        return []
    return [taken]


def _tell(ended: WorkerProcess, pause: float) -> None:
    """A negative code is the number of the signal that ended it."""
    code = ended.process.returncode
    name = next((number.name for number in signal.Signals if number == -code), None)
    extra = {"worker": ended.process.pid, "code": code, "signal": name}
    logger.error("a worker ended", extra={**extra, "restart_seconds": pause})


class Supervisor:
    """`workers` processes on one address; a worker that dies is started again."""

    def __init__(self, settings: Settings, host: str, port: int, workers: int) -> None:
        self._settings = settings
        self._held = reserve(host, port)
        self._host, self._port = self._held[0].getsockname()[:2]
        self._workers: list[WorkerProcess] = []
        self._living: set[WorkerProcess] = set()
        self._count = workers
        self._serving = asyncio.Event()
        self._stopping = asyncio.Event()
        self._metrics = make_figures_directory()

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def run(
        self, prepare: Callable[[], Awaitable[None]], on_ready: Callable[[str], None]
    ) -> None:
        """Until SIGTERM or SIGINT. Raises ServeError when the workers cannot start.

        `prepare` is awaited while the workers import the application; they serve after it. It is
        cancelled by either signal.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        keepers: list[asyncio.Task[None]] = []
        try:
            self._workers = [self._spawn() for _ in range(self._count)]
            await self._begin(prepare)
            keepers = [asyncio.create_task(self._keep(nth)) for nth in range(self._count)]
            if not self._stopping.is_set():
                self._serving.set()
                on_ready(self.url)
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({stopping, *keepers}, return_when=asyncio.FIRST_COMPLETED)
            for keeper in keepers:
                if keeper.done():  # by no signal: nobody may take this for an ordinary end
                    keeper.result()
        finally:
            self._stopping.set()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            await self._end(list(self._living))
            for held in self._held:
                held.close()
            self._metrics.remove()

    async def restart(self) -> None:
        """Replace the workers one by one: the next only after the one before is ready. During a
        start it waits for its end: until then nothing is prepared that others could serve.
        """
        await self._serving.wait()
        for nth in range(self._count):  # as it is by then: it may be another that was started again
            old, self._workers[nth] = self._workers[nth], self._start()
            await self._ready_or_ended(self._workers[nth])
            await self._end([old])

    async def _keep(self, nth: int) -> None:
        """Start the nth worker again whenever it ends by itself, or never gets ready."""
        pause = RESTART_SECONDS
        while True:
            worker = self._workers[nth]
            await self._ready_or_killed(worker)
            await worker.ended.wait()
            if worker is self._workers[nth]:
                pause = RESTART_SECONDS if worker.ready.is_set() else pause
                _tell(worker, pause)
                pause = await self._start_again(nth, worker, pause)

    async def _start_again(self, nth: int, ended: WorkerProcess, pause: float) -> float:
        """Out of memory or processes, say, it is tried until one can be started, or until another
        is in its place; the pause for the next time.
        """
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, RESTART_MAX_SECONDS)
            if ended is not self._workers[nth]:
                return pause
            try:
                self._workers[nth] = self._start()
            except (OSError, RuntimeError) as error:
                extra = {"error": repr(error), "restart_seconds": pause}
                logger.error("no worker could be started", extra=extra)  # noqa: TRY400 - one line
            else:
                return pause

    def _start(self) -> WorkerProcess:
        worker = self._spawn()
        worker.go()
        return worker

    def _spawn(self) -> WorkerProcess:
        """Raises OSError or RuntimeError where the system gives no process or thread."""
        name, loop = self._free_name(), asyncio.get_running_loop()
        command = [sys.executable, "-m", "app.server", self._host, str(self._port), name]
        with ExitStack() as theirs, ExitStack() as ours:  # the ends of the pipes
            ready_read, ready_write = os.pipe()
            theirs.callback(os.close, ready_write)
            ours.callback(os.close, ready_read)
            alive_read, alive_write = os.pipe()
            theirs.callback(os.close, alive_read)
            ours.callback(os.close, alive_write)
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, str(ready_write), str(alive_read)],
                pass_fds=(ready_write, alive_read, self._metrics.lock),
                env={**os.environ, MULTIPROC: str(self._metrics.path)},
            )
            ours.callback(process.wait)
            ours.callback(process.kill)
            worker = WorkerProcess(process, name, alive_write)
            threading.Thread(target=self._watch, args=(worker, loop), daemon=True).start()
            ours.pop_all()
        self._living.add(worker)
        loop.add_reader(ready_read, self._on_ready_pipe, worker, ready_read)
        return worker

    def _free_name(self) -> str:
        """Of the files of a worker that has ended, if there is one: the new one counts on in them,
        so that nothing is forgotten and there never are more of them than workers at a time.
        """
        taken = {worker.name for worker in self._living}
        return next(name for nth in count(1) if (name := f"worker{nth}") not in taken)

    def _watch(self, worker: WorkerProcess, loop: asyncio.AbstractEventLoop) -> None:
        """On a thread of its own: waits without an end would use up those that all share."""
        worker.process.wait()
        with suppress(RuntimeError):  # the loop is closed: nobody is left who could be told
            loop.call_soon_threadsafe(self._on_ended, worker)

    @staticmethod
    def _on_ready_pipe(worker: WorkerProcess, descriptor: int) -> None:
        if os.read(descriptor, 1):
            worker.ready.set()
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)

    def _on_ended(self, worker: WorkerProcess) -> None:
        for gauge in self._metrics.path.glob(f"gauge_live*_{worker.name}.db"):
            gauge.unlink()
        worker.ended.set()
        os.close(worker.alive)
        self._living.remove(worker)

    async def _begin(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Serve, unless a signal came first: it ends what prepares, too."""
        preparing = asyncio.ensure_future(prepare())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({preparing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            ended = not preparing.cancel()
            await asyncio.wait({preparing})
        if ended:
            preparing.result()
            for worker in self._workers:
                worker.go()
            await self._until_ready()

    async def _until_ready(self) -> None:
        for worker in self._workers:
            await self._ready_or_ended(worker)
            if not worker.ready.is_set() and not self._stopping.is_set():
                raise ServeError("a worker could not start; its log above says why")

    async def _ready_or_ended(self, worker: WorkerProcess) -> None:
        waits = [
            asyncio.create_task(event.wait())
            for event in (worker.ready, worker.ended, self._stopping)
        ]
        try:
            await asyncio.wait(waits, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _ready_or_killed(self, worker: WorkerProcess) -> None:
        await self._ready_or_ended(worker)
        if not any(one.is_set() for one in (worker.ready, worker.ended, self._stopping)):
            extra = {"worker": worker.process.pid, "ready_seconds": READY_SECONDS}
            logger.error("a worker did not get ready", extra=extra)
            worker.process.kill()

    async def _end(self, workers: list[WorkerProcess]) -> None:
        """SIGTERM, time to drain, then SIGKILL."""
        for worker in workers:
            worker.process.terminate()
        limit = self._settings.drain_seconds + GRACE_SECONDS + KILL_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                for worker in workers:
                    await worker.ended.wait()
        for worker in workers:
            if not worker.ended.is_set():
                worker.process.kill()
                await worker.ended.wait()
