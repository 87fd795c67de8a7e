"""/users: signing up, one's own account and sessions, and the admin's view of everybody."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, status

from app.auth.dependencies import SIGNED_IN, AdminPrincipal, CurrentPrincipal
from app.auth.passwords import hash_first_password, hash_password
from app.core.departure import while_there
from app.core.dependencies import SessionDep, SettingsDep
from app.core.errors import (
    BadRequest,
    Forbidden,
    InvalidRequest,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from app.core.paging import Page
from app.core.problems import problems
from app.core.strict_json import StrictRoute
from app.users import service as users_service
from app.users import sessions as users_sessions
from app.users.attempts import AttemptsDep
from app.users.dependencies import CurrentActor, KnowsPassword, RightsSession
from app.users.errors import EmailTaken, LastAdmin, SessionNotFound, UserNotFound, WrongPassword
from app.users.models import User
from app.users.paths import SOMEBODY
from app.users.schemas import (
    EmailQuery,
    PasswordChange,
    PersonRead,
    ProfileUpdate,
    SessionRead,
    UserCreate,
    UserPage,
    UserQuery,
    UserRead,
    UserUpdate,
)

ADMIN = (*SIGNED_IN, Forbidden)
BODY = (BadRequest, UnsupportedMediaType, InvalidRequest)

router = APIRouter(prefix="/users", tags=["users"], route_class=StrictRoute)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=UserRead,
    responses=problems(*BODY, EmailTaken, ServiceUnavailable),
)
async def sign_up(
    request: Request,
    session: RightsSession,
    settings: SettingsDep,
    attempts: AttemptsDep,
    body: UserCreate,
) -> User:
    """Make an account for oneself, as a customer."""
    await attempts.to_sign_up()
    hashing = hash_first_password(settings, body.password)
    password_hash = await while_there(request, hashing)
    return await users_service.create_user(
        session, email=body.email, name=body.name, password_hash=password_hash
    )


@router.get("/me", response_model=UserRead, responses=problems(*SIGNED_IN))
async def read_me(session: SessionDep, principal: CurrentPrincipal) -> User:
    return await users_service.get_user(session, user_id=principal.user_id)


@router.patch("/me", response_model=UserRead, responses=problems(*SIGNED_IN, *BODY, EmailTaken))
async def update_me(session: RightsSession, actor: CurrentActor, body: ProfileUpdate) -> User:
    return await users_service.update_user(
        session, user_id=actor.id, changes=body.changes(), actor=actor
    )


@router.post(
    "/me/password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*SIGNED_IN, WrongPassword, *BODY, ServiceUnavailable),
)
async def change_password(
    session: RightsSession,
    settings: SettingsDep,
    principal: CurrentPrincipal,
    verified: KnowsPassword,
    body: PasswordChange,
) -> None:
    """Ends all other sessions."""
    new_hash = await hash_password(settings, body.new)
    await users_sessions.change_password(
        session, verified=verified, new_hash=new_hash, keep=principal.session_id
    )


@router.get("/me/sessions", response_model=list[SessionRead], responses=problems(*SIGNED_IN))
async def list_my_sessions(
    session: SessionDep, principal: CurrentPrincipal
) -> Sequence[SessionRead]:
    found = await users_sessions.list_sessions(session, user_id=principal.user_id)
    current = principal.session_id
    return [
        SessionRead.model_validate(each).model_copy(update={"is_current": each.id == current})
        for each in found
    ]


@router.delete(
    "/me/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*SIGNED_IN, SessionNotFound, InvalidRequest),
)
async def end_my_session(
    session: RightsSession, principal: CurrentPrincipal, session_id: UUID
) -> None:
    """Signs that session out and closes its sockets; the present one may end itself, too."""
    await users_sessions.end_session(session, user_id=principal.user_id, session_id=session_id)


@router.get(
    "/lookup",
    response_model=PersonRead,
    responses=problems(*SIGNED_IN, UserNotFound, InvalidRequest),
)
async def look_up_user(
    session: SessionDep, _: CurrentPrincipal, query: Annotated[EmailQuery, Query()]
) -> User:
    """Whom to share an order with: an active user, by their exact e-mail address."""
    return await users_service.look_up_user(session, email=query.email)


@router.get("", response_model=UserPage, responses=problems(*ADMIN, InvalidRequest))
async def list_users(
    session: SessionDep, _: AdminPrincipal, query: Annotated[UserQuery, Query()]
) -> Page[User, UUID]:
    return await users_service.list_users(
        session, limit=query.limit, before=query.cursor, q=query.q
    )


@router.get(
    SOMEBODY, response_model=UserRead, responses=problems(*ADMIN, UserNotFound, InvalidRequest)
)
async def read_user(session: SessionDep, _: AdminPrincipal, user_id: UUID) -> User:
    return await users_service.get_user(session, user_id=user_id)


@router.patch(
    SOMEBODY,
    response_model=UserRead,
    responses=problems(*ADMIN, UserNotFound, LastAdmin, *BODY),
)
async def update_user(
    session: RightsSession,
    admin: AdminPrincipal,
    actor: CurrentActor,
    user_id: UUID,
    body: UserUpdate,
) -> User:
    return await users_service.update_user(
        session, user_id=user_id, changes=body.changes(), actor=actor, admin=admin.user_id
    )


@router.delete(
    SOMEBODY,
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*ADMIN, UserNotFound, LastAdmin, InvalidRequest),
)
async def deactivate_user(
    session: RightsSession, admin: AdminPrincipal, actor: CurrentActor, user_id: UUID
) -> None:
    """The account stays, with whatever it owns; its sessions end."""
    await users_service.deactivate_user(session, user_id=user_id, actor=actor, admin=admin.user_id)
