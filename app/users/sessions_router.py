"""/auth: tokens for a password, tokens for a token, and the end of a session."""

from fastapi import APIRouter, Depends, Request, Response, status

from app.auth.dependencies import SIGNED_IN, CurrentPrincipal
from app.auth.tokens import RefreshTokenInvalidError
from app.core.dependencies import SettingsDep
from app.core.errors import (
    BadRequest,
    InvalidRequest,
    ServiceUnavailable,
    UnsupportedMediaType,
    render,
)
from app.core.problems import problems
from app.core.strict_json import StrictRoute
from app.users import rotation as users_rotation
from app.users import sessions as users_sessions
from app.users.dependencies import CurrentDevice, RightsSession, SignsIn
from app.users.errors import InvalidCredentials
from app.users.schemas import RefreshRequest, TokenRead
from app.users.sessions import Tokens

BODY = (BadRequest, UnsupportedMediaType, InvalidRequest)


async def forbid_storing(response: Response) -> None:
    """RFC 6749, section 5.1."""
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(
    prefix="/auth", tags=["auth"], route_class=StrictRoute, dependencies=[Depends(forbid_storing)]
)


@router.post(
    "/token",
    response_model=TokenRead,
    responses=problems(
        InvalidCredentials, UnsupportedMediaType, InvalidRequest, ServiceUnavailable
    ),
)
async def sign_in(
    session: RightsSession, settings: SettingsDep, verified: SignsIn, device: CurrentDevice
) -> Tokens:
    opened = await users_sessions.open_session(session, settings, verified=verified, device=device)
    return users_sessions.issue_tokens(settings, opened)


@router.post(
    "/refresh",
    response_model=TokenRead,
    responses=problems(*BODY, RefreshTokenInvalidError),
)
async def refresh(
    request: Request, session: RightsSession, settings: SettingsDep, body: RefreshRequest
) -> Tokens | Response:
    rotated = await users_rotation.rotate_session(
        session, settings, refresh_token=body.refresh_token
    )
    if rotated is None:  # answered, not raised: that the session was revoked must be committed
        return render(request, RefreshTokenInvalidError())
    return users_sessions.issue_tokens(settings, rotated)


@router.post(
    "/logout",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*BODY, *SIGNED_IN, RefreshTokenInvalidError),
)
async def sign_out(
    session: RightsSession,
    settings: SettingsDep,
    principal: CurrentPrincipal,
    body: RefreshRequest,
) -> None:
    await users_sessions.sign_out(
        session, settings, user_id=principal.user_id, refresh_token=body.refresh_token
    )
