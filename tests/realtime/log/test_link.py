"""Link on a real Valkey: by whichever way its address leads, and however it ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvloop
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.stints import STINT_SECONDS
from app.core.unavailable import REDIS_FAILURES
from app.embedded import Services, Valkey
from app.realtime.log.link import Link
from tests.realtime import tls
from tests.realtime.brokers import cut_links, frozen, talking
from tests.realtime.server_proxy import ServerProxy
from tests.realtime.turning import spin
from tests.waiting import until


class Ear:
    """Keeps what its link passes on."""

    link: Link

    def __init__(self) -> None:
        self.subscribed: list[bytes] = []
        self.heard: list[tuple[bytes, bytes]] = []
        self.error: Exception | None = None
        self.seconds = 0.0

    def take(self, reply: object) -> None:
        match reply:
            case [b"message", bytes(topic), bytes(data)]:
                self.hear(topic, data)
            case [b"subscribe", bytes(topic), _]:
                self.subscribed.append(topic)

    def hear(self, topic: bytes, data: bytes) -> None:
        spin(self.seconds)
        self.heard.append((topic, data))
        if self.error is not None:
            raise self.error

    async def subscribe(self, *topics: str) -> None:
        self.link.subscribe(*topics)
        await until(lambda: {topic.encode() for topic in topics} <= {*self.subscribed})


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Ear]:
    """A link to this address."""
    ear = Ear()
    async with talking(url) as redis:
        ear.link = await Link.open(redis, ear.take)
        try:
            yield ear
        finally:
            ear.link.close()


async def publish_at_once(redis: Redis, *sent: bytes) -> None:
    """As one burst, in "a"."""
    async with redis.pipeline(transaction=False) as pipeline:
        for data in sent:
            pipeline.publish("a", data)
        await pipeline.execute()


def of(redis_url: str, user: str, password: str) -> str:
    """The address for somebody else."""
    return f"redis://{user}:{password}@{redis_url.partition('@')[2]}"


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


@asynccontextmanager
async def led(redis_url: str, way: str, directory: Path) -> AsyncIterator[str]:
    """An address of the same server."""
    password = urlsplit(redis_url).password
    async with ServerProxy(redis_url) as proxy:
        match way:
            case "RESP 2" | "RESP 3":
                yield f"{redis_url}?protocol={way[-1]}"
            case "TLS":
                authority = directory / "authority.pem"
                tls.write_authority(authority)
                server = await asyncio.start_server(
                    proxy._serve, "127.0.0.1", 0, ssl=tls.server_context()
                )
                async with server:
                    port = server.sockets[0].getsockname()[1]
                    yield f"rediss://:{password}@localhost:{port}/0?ssl_ca_certs={authority}"
            case "a socket":
                path = directory / "redis.sock"
                async with await asyncio.start_unix_server(proxy._serve, path):
                    yield f"unix://:{password}@{path}"


async def hear_everything(address: str, redis_url: str) -> None:
    async with listening(address) as ear, talking(redis_url) as redis:
        await ear.subscribe("a", "b")
        ear.link.unsubscribe("b")
        await ear.subscribe("c")
        sent = [(b"a", b"1"), (b"a", bytes(range(256)) * 8_192), (b"c", b""), (b"a", b"\r\n")]
        for topic, data in (sent[0], (b"b", b"not wanted"), *sent[1:]):
            await redis.publish(topic, data)
        await until(lambda: len(ear.heard) == len(sent))
        assert ear.heard == sent
        assert not await ear.link.ends(0)


async def hear_a_burst(address: str, redis_url: str) -> None:
    async with listening(address) as ear, talking(redis_url) as redis:
        await ear.subscribe("a")
        ear.seconds = STINT_SECONDS / 2
        sent = [str(nth).encode() * 2_000 for nth in range(200)]
        await publish_at_once(redis, *sent)
        await until(lambda: len(ear.heard) == len(sent))
        assert ear.heard == [(b"a", data) for data in sent]


@pytest.mark.parametrize("hear", [hear_everything, hear_a_burst])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("way", ["RESP 2", "RESP 3", "TLS", "a socket"])
def test_what_is_subscribed_is_heard_by_whichever_way(
    redis_url: str,
    tmp_path: Path,
    way: str,
    loop: Callable[[], asyncio.AbstractEventLoop],
    hear: Callable[[str, str], Awaitable[None]],
) -> None:
    async def scene() -> None:
        async with led(redis_url, way, tmp_path) as address:
            await hear(address, redis_url)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scene())


async def test_no_topic_at_all_unsubscribes_none(redis_url: str) -> None:
    async with listening(redis_url) as ear, talking(redis_url) as redis:
        await ear.subscribe("a")
        ear.link.unsubscribe()
        await ear.subscribe("b")
        await redis.publish("a", b"")
        await until(lambda: bool(ear.heard))


async def test_a_ping_makes_redis_say_something(redis_url: str) -> None:
    async with listening(redis_url) as ear:
        for _ in range(2):  # before anything is subscribed, the answer is another
            heard_at = ear.link.heard_at
            ear.link.ping()
            await until(lambda: ear.link.heard_at > heard_at)  # noqa: B023 - right here
            await ear.subscribe("a")
        assert ear.heard == []


@pytest.mark.parametrize("user", ["default", "nobody"])
async def test_who_cannot_connect_is_told_why(redis_url: str, user: str) -> None:
    with pytest.raises(RedisError, match="invalid username-password"):
        async with listening(of(redis_url, user, "wrong")):
            pytest.fail("connected with a wrong password")


async def test_nobody_to_connect_to_is_told() -> None:
    with pytest.raises(REDIS_FAILURES):
        async with listening("redis://127.0.0.1:1"):
            pytest.fail("connected to nobody")


async def test_a_topic_that_redis_refuses_ends_it(redis_url: str) -> None:
    async with talking(redis_url) as redis:
        await redis.acl_setuser(
            "narrow", enabled=True, passwords="+narrow", commands=["+@all"], channels=["a"]
        )
    async with listening(of(redis_url, "narrow", "narrow")) as ear:
        await ear.subscribe("a")
        ear.link.subscribe("b")
        with pytest.raises(RedisError, match="NOPERM"):
            await ear.link.ends(60)


async def test_a_link_that_redis_ends_has_ended(redis_url: str) -> None:
    async with listening(redis_url) as ear:
        await ear.subscribe("a")
        await cut_links(redis_url)
        with pytest.raises(RedisError, match="ended the connection"):
            await ear.link.ends(60)
        ear.link.subscribe("b")
        ear.link.close()
        with pytest.raises(RedisError, match="ended the connection"):
            await ear.link.ends(0)


async def test_an_error_of_who_listens_ends_it_and_nothing_more_is_passed_on(
    redis_url: str,
) -> None:
    async with listening(redis_url) as ear, talking(redis_url) as redis:
        await ear.subscribe("a")
        ear.error = LookupError("none of these")
        await publish_at_once(redis, *[b""] * 100)
        with pytest.raises(LookupError):
            await ear.link.ends(60)
        assert len(ear.heard) == 1


async def test_who_closes_it_hears_nothing_more(redis_url: str) -> None:
    async with listening(redis_url) as ear, talking(redis_url) as redis:
        await ear.subscribe("a")
        ear.link.close()
        assert await ear.link.ends(0)
        while await redis.publish("a", b""):
            continue
    assert ear.heard == []


async def test_who_closes_it_in_the_middle_of_a_burst_hears_nothing_more(redis_url: str) -> None:
    async with listening(redis_url) as ear, talking(redis_url) as redis:
        await ear.subscribe("a")
        ear.seconds = 2 * STINT_SECONDS
        await publish_at_once(redis, *[b""] * 100)
        await until(lambda: ear.link._next_turn is not None)
        ear.link.close()
        heard = len(ear.heard)
        while await redis.publish("a", b""):
            continue
        assert len(ear.heard) == heard < 100


@pytest.mark.parametrize("turns", range(12))
async def test_who_gives_up_connecting_leaves_no_connection(redis_url: str, turns: int) -> None:
    async with talking(redis_url) as redis, talking(f"{redis_url}?client_name=hasty") as hasty:
        opening = asyncio.create_task(Link.open(hasty, print))
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        if not opening.cancelled():
            opening.result().close()
        while any(one["name"] == "hasty" for one in await redis.client_list()):
            continue


async def test_closing_it_waits_for_nobody_who_hangs(valkey: Valkey) -> None:
    async with listening(valkey.url) as ear:
        await ear.subscribe("a")
        connection = ear.link._transport.get_extra_info("socket")
        with frozen(valkey):
            while not ear.link._transport.get_write_buffer_size():
                ear.link.subscribe("b" * 100_000)
            ear.link.close()
            await until(lambda: connection.fileno() == -1)
