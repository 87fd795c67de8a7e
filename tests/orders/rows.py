"""Orders as rows: in memory, or put into a session by the service."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.core.ids import new_id
from app.orders import service as orders_service
from app.orders.models import Order, OrderCollaborator, OrderItem, OrderStatus
from app.orders.schemas import OrderCreate
from app.users import service as users_service
from app.users.models import User
from tests.orders.shop import Json, a_body

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def an_order(
    *lines: tuple[str, int, str],
    currency: str = "EUR",
    status: OrderStatus = OrderStatus.PLACED,
    note: str | None = None,
) -> Order:
    """In memory; lines as (sku, quantity, unit_price), each named after its sku."""
    items = [
        OrderItem(
            sku=sku, position=nth, name=f"a {sku}", quantity=quantity, unit_price=Decimal(price)
        )
        for nth, (sku, quantity, price) in enumerate(lines)
    ]
    owner = User(id=new_id(), name="Cleo")
    return Order(
        id=new_id(), number=1001, version=1, status=status, currency=currency, note=note,
        items=items, owner=owner, owner_id=owner.id, collaborators=[],
        created_at=NOON, updated_at=NOON,
    )  # fmt: skip


async def add_person(session: AsyncSession, role: Role, name: str = "Cleo") -> Principal:
    """A user of the session's database, as they stand behind a request."""
    user = await users_service.create_user(
        session, email=f"{new_id()}@tandem.example", name=name, password_hash="none", role=role
    )
    return Principal(user.id, uuid4(), user.name, user.role)


async def add_order(session: AsyncSession, owner: Principal, **body: object) -> Order:
    placed = OrderCreate.model_validate(a_body(**body))
    order = await orders_service.create_order(session, principal=owner, order=placed)
    return await orders_service.get_order(session, principal=owner, order_id=order.id)


async def share(session: AsyncSession, order_id: UUID, person: Principal) -> None:
    session.add(OrderCollaborator(order_id=order_id, user_id=person.user_id))
    await session.flush()


def a_line_read(sku: str, quantity: int, price: str) -> Json:
    """A line of `an_order` as it is shown."""
    return {"sku": sku, "name": f"a {sku}", "quantity": quantity, "unit_price": price}
