"""Demo data: four people, and 200 Northwind orders in all states, with their events."""

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import groupby, islice
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.passwords import hash_password
from app.auth.principals import Principal, Role
from app.core.config import Settings
from app.core.database import Sessions
from app.core.locks import SEED_LOCK
from app.orders import service as orders_service
from app.orders.models import Currency, OrderStatus
from app.orders.schemas import OrderCreate, OrderItemWrite, OrderUpdate
from app.orders.status import STEPS
from app.users import service as users_service
from app.users.models import User

DEMO_PASSWORD = "tandem-demo"  # noqa: S105 - printed for everybody, never seeded in production
DEMO_ORDERS = 200
LINES = Path(__file__).with_name("northwind.csv")

PEOPLE = (
    ("admin@tandem.example", "Ada Admin", Role.ADMIN),
    ("staff@tandem.example", "Sten Staff", Role.STAFF),
    ("cleo@tandem.example", "Cleo Customer", Role.CUSTOMER),
    ("omar@tandem.example", "Omar Customer", Role.CUSTOMER),
)
EMAILS = tuple(email for email, _name, _role in PEOPLE)

# How far the seeded orders have come, by turns: a lively board, most of it still to do.
COURSES = (
    STEPS[:1],
    STEPS[:2],
    STEPS[:1],
    STEPS[:3],
    STEPS[:2],
    STEPS[:5],
    STEPS[:4],
    STEPS[:1],
    (*STEPS[:2], OrderStatus.CANCELLED),
    STEPS[:3],
)


async def find_demo_people(session: AsyncSession) -> Sequence[User]:
    """The demo's people who can sign in; none if it was not seeded."""
    query = select(User).where(func.lower(User.email).in_(EMAILS), User.is_active).order_by(User.id)
    return (await session.scalars(query)).all()


async def seed(sessions: Sessions, settings: Settings) -> bool:
    """Make the demo data, all or nothing; False if it was there."""
    async with sessions() as session, session.begin():
        await session.execute(select(func.pg_advisory_xact_lock(SEED_LOCK)))
        if await session.scalar(select(exists(User.id).where(func.lower(User.email).in_(EMAILS)))):
            return False
        people = {email: user async for email, user in _create_people(session, settings)}
        staff = _principal(people["staff@tandem.example"])
        owners = [_principal(people[f"{name}@tandem.example"]) for name in ("cleo", "omar")]
        for nth, lines in enumerate(islice(northwind_orders(), DEMO_ORDERS)):
            body = OrderCreate(currency=Currency.EUR, note=_note(lines), items=_items(lines))
            order = await orders_service.create_order(
                session, principal=owners[nth % 2], order=body
            )
            await _move(session, order.id, staff, COURSES[nth // 2 % len(COURSES)][1:])
    return True


def northwind_orders() -> Iterable[list[dict[str, str]]]:
    """The lines of each Northwind order."""
    with LINES.open(encoding="utf-8", newline="") as file:
        for _order_id, lines in groupby(csv.DictReader(file), key=lambda line: line["order_id"]):
            yield list(lines)


async def _create_people(
    session: AsyncSession, settings: Settings
) -> AsyncIterator[tuple[str, User]]:
    for email, name, role in PEOPLE:
        password_hash = await hash_password(settings, DEMO_PASSWORD)
        user = await users_service.create_user(
            session, email=email, name=name, password_hash=password_hash, role=role
        )
        yield email, user


async def _move(
    session: AsyncSession, order_id: UUID, staff: Principal, course: Iterable[OrderStatus]
) -> None:
    for status in course:
        await orders_service.update_order(
            session,
            principal=staff,
            order_id=order_id,
            update=OrderUpdate(status=status),
            bases=None,
        )


def _items(lines: Iterable[dict[str, str]]) -> list[OrderItemWrite]:
    return [
        OrderItemWrite(
            sku=line["sku"],
            name=line["product"],
            quantity=int(line["quantity"]),
            unit_price=line["unit_price"],
        )
        for line in lines
    ]


def _note(lines: Sequence[dict[str, str]]) -> str:
    first = lines[0]
    return f"{first['customer']}, {first['ship_city']} ({first['ship_country']})"


def _principal(user: User) -> Principal:
    return Principal(user.id, uuid4(), user.name, user.role)
