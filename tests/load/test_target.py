"""The set-up calls, against answers made by hand."""

import time
from collections.abc import Callable

import httpx
import pytest

from load.errors import Exit, LoadError
from load.target import Account, Target

STAFF = Account("staff@tandem.example", "t", 900)


def target(answer: Callable[[httpx.Request], httpx.Response]) -> Target:
    return Target("http://tandem.example/", httpx.MockTransport(answer))


def page(channel: str) -> dict[str, object]:
    return {"items": [], "position": {"channel": channel, "epoch": "e", "offset": 12}}


async def test_signing_in_sends_the_form_and_keeps_the_token() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://tandem.example/api/v1/auth/token"
        assert request.content == b"username=a%40b.example&password=secret"
        return httpx.Response(200, json={"access_token": "xyz", "expires_in": 900})

    async with target(answer) as tandem:
        account = await tandem.sign_in("a@b.example", "secret")
    assert account.headers == {"Authorization": "Bearer xyz"}
    assert account.seconds == 900
    assert 0 < account.until - time.monotonic() <= 900


async def test_a_wrong_password_is_refused_in_one_line() -> None:
    async with target(lambda _: httpx.Response(401, json={"detail": "no"})) as tandem:
        with pytest.raises(LoadError, match="wrong email or password") as caught:
            await tandem.sign_in("a@b.example", "wrong")
    assert caught.value.exit_code == Exit.USAGE


async def test_a_target_that_is_not_there_is_unreachable() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with target(answer) as tandem:
        with pytest.raises(LoadError, match=r"tandem\.example cannot be reached") as caught:
            await tandem.sign_in("a@b.example", "secret")
    assert caught.value.exit_code == Exit.UNREACHABLE


async def test_who_signs_in_by_the_address_is_not_told() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    transport = httpx.MockTransport(answer)
    async with Target("http://me:hidden@tandem.example", transport) as tandem:
        with pytest.raises(LoadError, match=r"^http://…@tandem\.example cannot be reached"):
            await tandem.sign_in("a@b.example", "secret")


async def test_a_server_that_is_not_tandem_is_unreachable() -> None:
    async with target(lambda _: httpx.Response(404, text="<html>")) as tandem:
        with pytest.raises(LoadError, match="is this a Tandem server") as caught:
            await tandem.sign_in("a@b.example", "secret")
    assert caught.value.exit_code == Exit.UNREACHABLE


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"token": "another service's"}),
        httpx.Response(200, json=["access_token"]),
        httpx.Response(200, json={"access_token": "x", "expires_in": "soon"}),
        httpx.Response(200, headers=JSON, text="<html>"),
        httpx.Response(200, headers=JSON, content=b"\xff"),
        httpx.Response(502, json="a proxy's"),
        httpx.Response(502, headers=JSON, text="<html>"),
        httpx.Response(502, json={"error": "a proxy's"}),
    ],
)
async def test_json_of_another_server_is_told_in_one_line(answer: httpx.Response) -> None:
    async with target(lambda _: answer) as tandem:
        with pytest.raises(LoadError, match=r"answered \d+: .* is this a Tandem") as caught:
            await tandem.sign_in("a@b.example", "secret")
    assert caught.value.exit_code == Exit.UNREACHABLE


@pytest.mark.parametrize("position", [{}, {"position": None}, {"position": {"channel": "orders"}}])
async def test_a_page_without_a_position_is_no_page_of_orders(position: dict[str, object]) -> None:
    async with target(lambda _: httpx.Response(200, json=position)) as tandem:
        with pytest.raises(LoadError, match="is this a Tandem"):
            await tandem.head(STAFF)


async def test_a_problem_is_told_with_its_detail() -> None:
    problem = {"detail": "too many sign-ins"}
    async with target(lambda _: httpx.Response(429, json=problem)) as tandem:
        with pytest.raises(LoadError, match="429: too many sign-ins"):
            await tandem.register_customer()


async def test_the_head_is_that_of_orders() -> None:
    async with target(lambda _: httpx.Response(200, json=page("orders"))) as tandem:
        assert await tandem.head(STAFF) == 12


async def test_a_customer_is_told_that_it_takes_staff() -> None:
    async with target(lambda _: httpx.Response(200, json=page("users:1"))) as tandem:
        with pytest.raises(LoadError, match="staff only") as caught:
            await tandem.head(STAFF)
    assert caught.value.exit_code == Exit.USAGE
