"""The pages: nothing inline where the policy forbids it, nothing asked of another host."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
from httpx import AsyncClient
from pydantic import SecretStr

from app.auth.principals import Role
from app.core.config import Settings
from app.pages import STATIC
from app.seed import DEMO_PASSWORD, PEOPLE
from tests.application import Application, run_application
from tests.core.serving import serving

OTHER_HOST = re.compile(r"""(?:https?:|(?<=["'(]))//[a-z0-9.-]+""")
PAGES = ["/", "/ops"]
NAMESPACES = {"http://www.w3.org"}  # names, not addresses: nothing is fetched from there


class Page(HTMLParser):
    """What a page loads, and what it holds itself."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attrs:
            if name in {"src", "href"} and value and not value.startswith("#"):
                self.references.append(value)
            if name.startswith("on") or name == "style":
                self.inline.append(f"{tag} {name}")

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"} and data.strip():
            self.inline.append(f"<{self._inside}>{data}")


def policy(header: str) -> dict[str, list[str]]:
    parts = [part.split() for part in header.split(";")]
    return {part[0]: part[1:] for part in parts}


# ----------------------------------------------------------------------- board


async def test_the_operations_page_is_served_beside_it(client: AsyncClient) -> None:
    answer = await client.get("/ops")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Operations" in answer.text


async def test_the_board_is_served_at_the_root(client: AsyncClient) -> None:
    answer = await client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "<title>" in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_a_pages_policy_allows_its_own_scripts_and_no_inline_ones(
    client: AsyncClient, path: str
) -> None:
    allowed = policy((await client.get(path)).headers["Content-Security-Policy"])

    assert allowed["default-src"] == ["'none'"]
    assert allowed["script-src"] == allowed["style-src"] == allowed["connect-src"] == ["'self'"]
    assert allowed["frame-ancestors"] == ["'none'"]
    assert not re.search(r"unsafe|https?:|\*", str(allowed))


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_holds_nothing_inline(client: AsyncClient, path: str) -> None:
    assert Page((await client.get(path)).text).inline == []


@pytest.mark.parametrize("path", PAGES)
async def test_all_that_a_page_loads_is_served_by_ourselves(client: AsyncClient, path: str) -> None:
    references = Page((await client.get(path)).text).references

    assert any(reference.endswith(".js") for reference in references)
    assert any(reference.endswith(".css") for reference in references)
    for reference in references:
        assert reference.startswith("/") != reference.startswith("//"), reference
        assert (await client.get(urljoin("/", reference))).status_code == 200, reference


@pytest.mark.parametrize(
    "path", [path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"}],
    ids=lambda path: str(path.relative_to(STATIC)),
)  # fmt: skip
def test_no_file_of_the_board_names_another_host(path: Path) -> None:
    assert set(OTHER_HOST.findall(path.read_text())) <= NAMESPACES


async def test_scripts_are_served_as_scripts(client: AsyncClient) -> None:
    answer = await client.get("/static/main.js")

    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/static/nothing.js", "/static/../app/main.py", "/static/%2e%2e/app/main.py", "/static"],
)
async def test_what_is_no_file_of_the_board_is_not_found(client: AsyncClient, path: str) -> None:
    answer = await client.get(path, follow_redirects=True)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# ------------------------------------------------------------------------ docs


async def test_the_docs_load_nothing_from_another_host(client: AsyncClient) -> None:
    answer = await client.get("/docs")

    references = Page(answer.text).references
    assert answer.status_code == 200
    assert references
    for reference in references:
        assert reference.startswith("/docs-assets/"), reference
        assert (await client.get(reference)).status_code == 200, reference
    assert not OTHER_HOST.search(answer.text)


async def test_the_description_of_the_socket_is_a_page_of_our_own(client: AsyncClient) -> None:
    answer = await client.get("/asyncapi")
    page = Page(answer.text)

    assert answer.headers["content-type"].startswith("text/html")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert page.inline == []
    for reference in page.references:
        assert reference.startswith("/static/"), reference
        assert (await client.get(reference)).status_code == 200, reference


async def test_the_docs_policy_lets_nothing_else_in(client: AsyncClient) -> None:
    allowed = policy((await client.get("/docs")).headers["Content-Security-Policy"])

    assert allowed["default-src"] == ["'none'"]
    hosts = {source for sources in allowed.values() for source in sources}
    assert hosts <= {"'none'", "'self'", "'unsafe-inline'", "data:"}


async def test_the_docs_show_the_api(client: AsyncClient) -> None:
    page, document = await client.get("/docs"), await client.get("/openapi.json")

    assert "/openapi.json" in page.text
    assert {"/api/v1/orders", "/api/v1/users"} <= document.json()["paths"].keys()


@pytest.mark.parametrize("path", ["/", "/ops", "/demo", "/static", "/docs", "/asyncapi"])
async def test_pages_are_no_part_of_the_api(client: AsyncClient, path: str) -> None:
    assert path not in (await client.get("/openapi.json")).json()["paths"]


# ------------------------------------------------------------------------ demo


async def seed_people(application: Application) -> None:
    for email, name, role in PEOPLE:
        await application.create_user(email, role, name)


async def test_without_a_seed_there_is_no_demo(client: AsyncClient) -> None:
    answer = await client.get("/demo")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_demo")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_demo_names_the_people_that_were_seeded(
    application: Application, client: AsyncClient
) -> None:
    await seed_people(application)

    answer = await client.get("/demo")

    assert answer.status_code == 200
    assert answer.json() == {
        "people": [{"email": email, "name": name, "role": role} for email, name, role in PEOPLE],
        "password": DEMO_PASSWORD,
    }


async def test_somebody_who_is_deactivated_is_offered_to_nobody(
    application: Application, client: AsyncClient
) -> None:
    for email, name, role in PEOPLE[:2]:
        await application.create_user(email, role, name)
    async with application.sessions() as session, session.begin():
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE users SET is_active = false WHERE role = 'admin'")

    people = (await client.get("/demo")).json()["people"]

    assert [person["role"] for person in people] == [Role.STAFF]


def in_production(settings: Settings) -> Settings:
    update = {"environment": "production", "secret_key": SecretStr("k" * 32)}
    return settings.model_copy(update=update)


async def test_production_offers_no_demo(settings: Settings) -> None:
    async with run_application(in_production(settings)) as application:
        await seed_people(application)
        async with serving(application.asgi, **application.state) as client:
            answer = await client.get("/demo")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_demo")


async def test_production_says_so_without_a_connection_to_the_database(settings: Settings) -> None:
    small = in_production(settings).model_copy(update={"database_pool_size": 1})
    async with run_application(small) as application, application.sessions() as session:
        await session.connection()
        async with serving(application.asgi, **application.state) as client:
            answer = await client.get("/demo")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_demo")


@pytest.mark.parametrize("range_", ["bytes=99999999-", "lines=1-2"])
async def test_a_page_is_sent_whole_whatever_part_was_asked_for(
    client: AsyncClient, range_: str
) -> None:
    plain, part = await client.get("/"), await client.get("/", headers={"Range": range_})
    assert (part.status_code, part.content) == (200, plain.content)


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/docs-assets/favicon.png"])
async def test_files_say_that_they_are_sent_whole(client: AsyncClient, path: str) -> None:
    assert (await client.get(path)).headers["Accept-Ranges"] == "none"


async def test_what_is_mounted_says_itself_how_it_can_be_asked(client: AsyncClient) -> None:
    answer = await client.post("/static/index.html")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
