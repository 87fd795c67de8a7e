"""What the handlers of this feature need."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordRequestForm
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from app.auth.dependencies import CurrentPrincipal, PrincipalsDep
from app.core.accounts import parse_email
from app.core.database import Sessions
from app.core.departure import while_there
from app.core.dependencies import SettingsDep
from app.realtime.dependencies import RecordingSession
from app.realtime.outbox import Actor
from app.users import credentials as users_credentials
from app.users.attempts import AttemptsDep
from app.users.credentials import Verified
from app.users.errors import InvalidCredentials, WrongPassword
from app.users.events import RIGHTS_CHANGED
from app.users.schemas import PasswordChange
from app.users.sessions import Device

USER_AGENT_LENGTH = 400


async def get_sessions(connection: HTTPConnection) -> Sessions:
    sessions: Sessions = connection.state.sessions
    return sessions


SessionsDep = Annotated[Sessions, Depends(get_sessions)]


async def get_rights_session(session: RecordingSession, principals: PrincipalsDep) -> AsyncSession:
    """A RecordingSession that, once committed, drops from this worker's cache whose rights changed.

    The other workers, and the sockets of this one, hear of it through `$control`.
    """

    def forget(_: object) -> None:
        for user_id in session.info.pop(RIGHTS_CHANGED, ()):
            principals.forget(user_id)

    event.listen(session.sync_session, "after_commit", forget)
    return session


RightsSession = Annotated[AsyncSession, Depends(get_rights_session, scope="function")]


async def get_actor(principal: CurrentPrincipal) -> Actor:
    return Actor(id=principal.user_id, name=principal.name)


CurrentActor = Annotated[Actor, Depends(get_actor)]


async def get_device(request: Request) -> Device:
    user_agent = request.headers.get("user-agent", "").replace("\x00", "")[:USER_AGENT_LENGTH]
    return Device(user_agent or None, request.client.host if request.client else None)


CurrentDevice = Annotated[Device, Depends(get_device)]


async def get_verified(
    request: Request,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    settings: SettingsDep,
    sessions: SessionsDep,
    attempts: AttemptsDep,
) -> Verified:
    """Who signs in; `username` is their e-mail address.

    Raises InvalidCredentials, TooManyRequests.
    """
    await attempts.from_address()
    credentials = None
    try:
        email = parse_email(form.username)
    except ValueError:
        pass
    else:
        async with sessions() as session:
            credentials = await users_credentials.find_credentials(session, email=email)
        # By id, however the address was spelled; one that has no account counts just so.
        account = str(credentials.user_id) if credentials else email.casefold()
        await attempts.at_account(account)
    verifying = users_credentials.verify_lasting(sessions, settings, credentials, form.password)
    return await while_there(request, verifying)


SignsIn = Annotated[Verified, Depends(get_verified)]


async def get_reverified(
    body: PasswordChange,
    principal: CurrentPrincipal,
    settings: SettingsDep,
    sessions: SessionsDep,
    attempts: AttemptsDep,
) -> Verified:
    """The caller, who knows their current password. Raises WrongPassword, TooManyRequests."""
    await attempts.at_own_password(principal.user_id)
    async with sessions() as session:
        credentials = await users_credentials.find_credentials_of(
            session, user_id=principal.user_id
        )
    try:
        return await users_credentials.verify_lasting(sessions, settings, credentials, body.current)
    except InvalidCredentials:
        raise WrongPassword from None


KnowsPassword = Annotated[Verified, Depends(get_reverified)]
