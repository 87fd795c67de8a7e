"""Nchan: publish/subscribe inside of nginx, in C; one worker, messages in its own memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.embedded import Services
from load.configuration import configuration
from load.installed import missing_program, program
from load.peer import Peer, Running
from load.process import free_port, listening
from load.sources.websocket import into

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
CONFIGURATION = """
load_module {module};
daemon off;
worker_processes 1;
error_log stderr error;
pid pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        nchan_channel_id orders;
        nchan_message_buffer_length {kept};
        location = /publish {{ nchan_publisher websocket; }}
        location = /ws {{
            nchan_subscriber websocket;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""
KEPT = 1000
"""A subscriber that is further behind than this loses messages."""


def missing() -> str | None:
    reason = missing_program("nginx", "nginx libnginx-mod-nchan")
    return reason or (None if MODULE.is_file() else "apt-get install libnginx-mod-nchan")


@asynccontextmanager
async def start(_: Services) -> AsyncIterator[Running]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with configuration(CONFIGURATION.format(module=MODULE, port=port, kept=KEPT)) as file:
        command = [program("nginx") or "", "-p", str(file.parent), "-c", str(file)]
        async with listening(command, port) as process, into(url, "/publish") as source:
            yield Running(url, process.pid, source, "silent")


PEER = Peer(start, missing, first_rate=400)
