"""What can go wrong with orders."""

from http import HTTPStatus

from app.core.errors import AppError, BadRequest, Conflict, Forbidden, NotFound, Problem
from app.orders.schemas import MAX_COLLABORATORS, ConflictRead, OrderRead


class OrderNotFound(NotFound):
    code, detail = "order_not_found", "There is no such order."


class OrderForbidden(Forbidden):
    code, detail = "order_forbidden", "You may see this order, but not change it so."


class IllegalStatusChange(Conflict):
    code = "illegal_status_change"


class OrderClosed(Conflict):
    code = "order_closed"
    detail = "A completed or cancelled order cannot be edited."


class OrderNotPlaced(Conflict):
    code = "order_not_placed"
    detail = "Only an order that is still placed can be taken back by its owner."


class SharedWithOwner(Conflict):
    code = "shared_with_owner"
    detail = "The order is this person's own: it cannot be shared with them."


class TooManyCollaborators(Conflict):
    code = "too_many_collaborators"
    detail = f"An order can be shared with {MAX_COLLABORATORS} people at most."


class InvalidETag(BadRequest):
    code = "invalid_etag"
    detail = 'If-Match must be the ETag of the order, such as "7", or *.'


class IfMatchRequired(AppError):
    status, code = HTTPStatus.PRECONDITION_REQUIRED, "if_match_required"
    detail = "Send If-Match with the ETag of the order that you edit, or *."


class OrderChangedProblem(Problem):
    """What an edit is refused with whose fields others have changed meanwhile."""

    current: OrderRead
    conflicts: list[ConflictRead]


class OrderChanged(AppError):
    """Somebody changed the order meanwhile: the answer carries it, and what conflicts."""

    body = OrderChangedProblem
    status, code = HTTPStatus.PRECONDITION_FAILED, "order_changed"
    detail = "The order was changed since you read it."

    def __init__(self, current: OrderRead, conflicts: list[ConflictRead]) -> None:
        super().__init__(
            extra={
                "current": current.model_dump(mode="json"),
                "conflicts": [conflict.model_dump(mode="json") for conflict in conflicts],
            }
        )


class NoSuchVersion(OrderChanged):
    """As a version newer than the order's: none that an edit could be put on top of."""

    detail = "If-Match names no version that this order ever had: send the ETag that a GET gives."
