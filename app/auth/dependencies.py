"""Who is calling, for REST handlers: `CurrentPrincipal`, `AdminPrincipal`."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from app.auth.admission import find_admitted
from app.auth.principals import Principal, Principals
from app.auth.tokens import AccessClaims, TokenExpiredError, TokenInvalidError, read_access_token
from app.core.dependencies import SettingsDep
from app.core.errors import Forbidden, Unauthorized

TOKEN_URL = "/api/v1/auth/token"  # noqa: S105 - an address

bearer = OAuth2PasswordBearer(tokenUrl=TOKEN_URL, auto_error=False)


async def get_principals(connection: HTTPConnection) -> Principals:
    principals: Principals = connection.state.principals
    return principals


PrincipalsDep = Annotated[Principals, Depends(get_principals)]


async def get_access_claims(
    connection: HTTPConnection,
    settings: SettingsDep,
    token: Annotated[str | None, Depends(bearer)],
) -> AccessClaims:
    """Raises Unauthorized, TokenExpiredError or TokenInvalidError."""
    if not token:
        raise Unauthorized
    return find_admitted(connection, token) or read_access_token(settings, token)


async def get_current_principal(
    claims: Annotated[AccessClaims, Depends(get_access_claims)], principals: PrincipalsDep
) -> Principal:
    """A genuine token of an ended session or a deactivated user is invalid, too."""
    principal = await principals.get(claims.user_id, claims.session_id)
    if principal is None:
        raise TokenInvalidError
    return principal


CurrentPrincipal = Annotated[Principal, Depends(get_current_principal)]
SIGNED_IN = (Unauthorized, TokenExpiredError, TokenInvalidError)
"""What whoever asks for it may be answered instead; see `problems`."""


async def get_admin(principal: CurrentPrincipal) -> Principal:
    if not principal.is_admin:
        raise Forbidden
    return principal


AdminPrincipal = Annotated[Principal, Depends(get_admin)]
