"""SIGN_IN_PER_MINUTE: how often a password may be tried, since it costs much and can be guessed,
and how often one address may sign up, which costs as much and leaves an account behind.

Every try counts, also the one that succeeds. As many as a minute allows may come at once; after
that they come back one by one, so nobody waits long, even if somebody else tries at their account.
"""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from app.core.addresses import address_of
from app.core.buckets import Allowance
from app.core.config import SettingsDep
from app.core.rates import Rates, RatesDep

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Attempts:
    """The tries that come from one address. Every method raises TooManyRequests."""

    rates: Rates
    per_minute: int
    address: str

    async def from_address(self) -> None:
        await self.rates.require(self._allow("sign-in-address"), self.address)

    async def to_sign_up(self) -> None:
        """Apart from sign-ins: who has made an account may enter it as often as anybody."""
        await self.rates.require(self._allow("sign-up-address"), self.address)

    async def at_account(self, account: str) -> None:
        """One address gets back half of what the account does: it cannot keep its owner out."""
        half = self._allow("sign-in-address-account", seconds=2 * MINUTE)
        await self.rates.require(half, f"{self.address} {account}")
        await self.rates.require(self._allow("sign-in-account"), account)

    async def at_own_password(self, user_id: UUID) -> None:
        """Of somebody signed in: apart from sign-ins, which others can use up."""
        await self.rates.require(self._allow("password-account"), str(user_id))

    def _allow(self, name: str, seconds: int = MINUTE) -> Allowance:
        return Allowance.of(name, self.per_minute, seconds=seconds, burst=self.per_minute)


async def get_attempts(request: Request, rates: RatesDep, settings: SettingsDep) -> Attempts:
    return Attempts(rates, settings.sign_in_per_minute, address_of(request.scope))


AttemptsDep = Annotated[Attempts, Depends(get_attempts)]
