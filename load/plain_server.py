"""Tandem as one process without a supervisor, with or without its recording and its relay.

`python -m load.plain_server PORT RECORDING`, RECORDING being `on` or `off`: that is an argument
of `create_app` and no setting, so it takes a program to start such a server. Settings come from
the environment.
"""

import asyncio
import socket
import sys

import uvicorn

from app.core.config import load_settings
from app.core.logging import logging_config
from app.main import create_app
from app.server import Server, bind, uvicorn_options


async def serve(listener: socket.socket, *, recording: bool) -> None:
    settings = load_settings()
    config = uvicorn.Config(
        create_app(settings, recording=recording),
        log_config=logging_config(settings.log_level),
        **uvicorn_options(settings),
    )
    await Server(config).serve([listener])


def main() -> None:
    port, recording = sys.argv[1:]
    listener = bind("127.0.0.1", int(port))
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        runner.run(serve(listener, recording=recording == "on"))


if __name__ == "__main__":
    main()
