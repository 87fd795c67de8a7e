"""How Tandem is served: uvicorn's configuration, one worker's life, gunicorn's worker class.

A worker is started by the supervisor as `python -m app.server`: see `main` for its arguments. It
imports the application, waits for GO on one pipe, and says over another that it is ready. Only the
supervisor holds the first pipe's other end: once that is closed the worker ends, so none outlives
a supervisor that was killed.
"""

import asyncio
import atexit
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn_worker import UvicornWorker

from app.core.config import Settings, SettingsError, get_settings, load_settings, missing_services
from app.core.logging import logging_config
from app.figures_directory import FiguresDirectory, make_figures_directory
from app.processes import GO, GRACE_SECONDS, MULTIPROC, raise_file_limit

BACKLOG = 4096
BOOT_ERROR = 3
NOTIFY_SECONDS = 1
COLLECT_AFTER = (20_000, 20, 100)
KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep an idle connection, 60 s as a rule: else they send a request into one
that is just being closed, and answer it with 502.
"""
NOT_SENT_BYTES = 128 * 1024
"""So much that was not sent yet does the kernel take of a connection: the rest waits in the log."""


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """What every way of serving has in common."""
    return {
        "http": "app.realtime.websocket.door:Door",
        "ws": "app.realtime.websocket.handshakes:Arrival",
        "ws_max_size": settings.max_message_bytes or None,
        "ws_ping_interval": None,  # the protocol has pings of its own
        "ws_per_message_deflate": settings.compression == "on",
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "backlog": BACKLOG,
    }


class Server(uvicorn.Server):
    """uvicorn's server, but sockets are drained before it sends 1012 to all of them at once."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        limit_not_sent(sockets or ())
        if isinstance(self.config.app, FastAPI):
            make_documents(self.config.app)
        await super().startup(sockets)
        spare_the_collector()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        if isinstance(app, FastAPI):
            notifying = asyncio.create_task(self._notify())
            await app.state.runtime.drain()
            notifying.cancel()
        await super().shutdown(sockets)

    async def _notify(self) -> None:
        """Gunicorn kills a worker that it does not hear of, and uvicorn tells it only while it
        serves: a long drain would be cut off.
        """
        while self.config.callback_notify is not None:
            await self.config.callback_notify()
            await asyncio.sleep(NOTIFY_SECONDS)


class SupervisedServer(Server):
    """Of a worker of `serve`: Ctrl-C reaches the supervisor, too, which tells us by SIGTERM."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGINT:
            super().handle_exit(sig, frame)


class Worker(UvicornWorker):  # type: ignore[misc] # the base is untyped
    """`gunicorn app.main:app -k app.server.Worker -w 4`."""

    @classmethod
    def setup(cls) -> None:
        """In gunicorn's master, before it forks: one clear line if the settings are wrong."""
        try:
            settings = load_settings()
        except SettingsError as error:
            raise SystemExit(f"tandem: {error}") from None
        missing = missing_services(settings)
        if missing:
            raise SystemExit(f"tandem: {' and '.join(missing)} must be set")
        if MULTIPROC not in os.environ:  # gunicorn asks for the class more than once
            figures = make_figures_directory()
            os.environ[MULTIPROC] = str(figures.path)
            atexit.register(_remove, figures, os.getpid())
        raise_file_limit()
        cls.CONFIG_KWARGS = {**uvicorn_options(settings), "loop": "auto"}

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = Server(self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(BOOT_ERROR)


def _remove(figures: FiguresDirectory, owner: int) -> None:
    """Forked workers have the same exit handlers."""
    if os.getpid() == owner:
        figures.remove()


def limit_not_sent(listeners: Iterable[socket.socket]) -> None:
    """Connections inherit it, see tcp(7); where the system has no such limit nothing happens."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    for listener in listeners:
        if option is not None and listener.family != socket.AF_UNIX:
            listener.setsockopt(socket.IPPROTO_TCP, option, NOT_SENT_BYTES)


def make_documents(app: FastAPI) -> tuple[dict[str, Any], bytes]:
    """Of REST and of the socket; the application keeps both. Made when somebody asks, they would
    stop every connection for 200 ms and more.
    """
    return app.openapi(), app.state.asyncapi.encoded


def spare_the_collector() -> None:
    """What is there after the start stays: looking through it for garbage would stop every
    connection for 50 ms and more, again and again. What comes later is looked at less often.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(*COLLECT_AFTER)


def bind(host: str, port: int) -> socket.socket:
    """A socket of its own for this worker, on an address that it shares with its siblings.

    The kernel spreads connections over the sockets that listen on one address (SO_REUSEPORT);
    this one does so once the application is up, so nobody waits for a worker that is starting.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.settimeout(0)
    return listener


async def serve_worker(listener: socket.socket, ready: int, alive: int) -> None:
    """One worker until SIGTERM, or until the supervisor is gone."""
    from app.main import create_app  # noqa: PLC0415 - imported before, see main()

    settings = get_settings()
    config = uvicorn.Config(
        create_app(settings),
        log_config=logging_config(settings.log_level),
        **uvicorn_options(settings),
    )
    server = SupervisedServer(config)
    asyncio.get_running_loop().add_reader(alive, _on_orphaned, alive)
    telling = asyncio.create_task(_tell_ready(server, ready))
    await server.serve([listener])
    telling.cancel()


def _on_orphaned(alive: int) -> None:
    """Once: a pipe whose other end is closed stays readable for ever. What is written to it says
    that somebody is there.
    """
    if os.read(alive, 1):
        return
    asyncio.get_running_loop().remove_reader(alive)
    os.kill(os.getpid(), signal.SIGTERM)


async def _tell_ready(server: uvicorn.Server, ready: int) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    os.write(ready, b"1")
    os.close(ready)


def name_figures(name: str) -> None:
    """Before the first is made. By itself prometheus_client names files by the process, and every
    worker that ever ended would leave some to be read by each scrape.
    """
    from prometheus_client import values  # noqa: PLC0415 - looks for the directory at once

    values.ValueClass = values.MultiProcessValue(lambda: name)  # type: ignore[no-untyped-call]


def main() -> None:
    """Arguments: host, port, name of its figures' files, descriptor to say ready on, descriptor
    that ends with the parent.
    """
    host, port, name, ready, alive = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # until SupervisedServer does
    name_figures(name)
    gc.disable()  # until spare_the_collector: of what an import makes next to nothing is garbage
    import app.main  # noqa: F401, PLC0415 - slow, hence before GO; makes the figures

    if os.read(int(alive), 1) != GO:
        return
    listener = bind(host, int(port))
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        runner.run(serve_worker(listener, int(ready), int(alive)))


if __name__ == "__main__":
    main()
