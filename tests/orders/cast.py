"""An order in a session, and everybody who may come near it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.core.errors import AppError
from app.orders import service as orders_service
from app.orders.models import Order, OrderStatus
from app.orders.schemas import OrderRead, OrderUpdate
from app.orders.status import STEPS
from app.realtime.models import EventRow
from tests.orders.rows import add_order, add_person, share


class Cast:
    """An order and everybody who may come near it."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.people: dict[str, Principal] = {}
        self.order = Order()

    async def enter(self, *, status: OrderStatus = OrderStatus.PLACED) -> "Cast":
        for name in ("owner", "collaborator", "stranger"):
            self.people[name] = await add_person(self.session, Role.CUSTOMER, name.title())
        for name in ("staff", "admin"):
            self.people[name] = await add_person(self.session, Role(name), name.title())
        await self.place(status=status)
        return self

    async def place(self, *, status: OrderStatus = OrderStatus.PLACED) -> None:
        """A new order, brought to this status by staff, and shared."""
        self.order = await add_order(self.session, self.people["owner"])
        await share(self.session, self.order.id, self.people["collaborator"])
        course = STEPS[1 : STEPS.index(status) + 1] if status in STEPS else (status,)
        for step in course:
            await self.update("staff", status=step)

    async def update(self, name: str, *, base: int | None = None, **body: Any) -> OrderRead:
        return (await self.edit(name, base=base, **body)).order

    async def edit(
        self, name: str, *, base: int | None = None, **body: Any
    ) -> orders_service.Edited:
        return await orders_service.update_order(
            self.session,
            principal=self.people[name],
            order_id=self.order.id,
            update=OrderUpdate.model_validate(body),
            bases=None if base is None else {base},
        )

    async def delete(self, name: str) -> None:
        await orders_service.delete_order(
            self.session, principal=self.people[name], order_id=self.order.id
        )

    async def tried(self, name: str, **body: Any) -> type[AppError] | None:
        """The error with which it was refused."""
        try:
            await self.update(name, **body)
        except AppError as error:
            return type(error)
        return None

    async def tried_to_delete(self, name: str) -> type[AppError] | None:
        try:
            await self.delete(name)
        except AppError as error:
            return type(error)
        return None

    async def events(self) -> list[EventRow]:
        query = select(EventRow).where(EventRow.entity_id == self.order.id).order_by(EventRow.id)
        return list(await self.session.scalars(query))
