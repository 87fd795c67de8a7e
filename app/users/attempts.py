"""SIGN_IN_PER_MINUTE: how often a password may be tried, since it costs much and can be guessed,
and how often one address may sign up, which costs as much and leaves an account behind.

Every try counts, also the one that succeeds. As many as a minute allows may come at once; after
that they come back one by one, so nobody waits long, even if somebody else tries at their account.
"""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from app.core.addresses import address_of, site_of
from app.core.buckets import Allowance
from app.core.dependencies import SettingsDep
from app.core.rates import Rates, RatesDep

MINUTE = 60
SITE_ADDRESSES = 16


@dataclass(frozen=True, slots=True)
class Attempts:
    """The tries that come from one address, and the site that it belongs to: of IPv4 the same, of
    IPv6 the network of which one line may have many. Every method raises TooManyRequests.
    """

    rates: Rates
    per_minute: int
    address: str
    site: str

    async def from_address(self) -> None:
        await self._from_here("sign-in")

    async def to_sign_up(self) -> None:
        """Apart from sign-ins: who has made an account may enter it as often as anybody."""
        await self._from_here("sign-up")

    async def at_account(self, account: str) -> None:
        """One site gets back half of what the account does: it alone cannot keep its owner out.
        Several can, and who shares the owner's site can.
        """
        half = self._allow("sign-in-site-account", seconds=2 * MINUTE)
        await self.rates.require(half, f"{self.site} {account}")
        await self.rates.require(self._allow("sign-in-account"), account)

    async def at_own_password(self, user_id: UUID) -> None:
        """Of somebody signed in: apart from sign-ins, which others can use up."""
        await self.rates.require(self._allow("password-account"), str(user_id))

    async def _from_here(self, what: str) -> None:
        """A site may do so as often as SITE_ADDRESSES of its addresses."""
        await self.rates.require(self._allow(f"{what}-address"), self.address)
        if self.site != self.address:
            whole = self._allow(f"{what}-site", addresses=SITE_ADDRESSES)
            await self.rates.require(whole, self.site)

    def _allow(self, name: str, *, seconds: int = MINUTE, addresses: int = 1) -> Allowance:
        count = self.per_minute * addresses
        return Allowance.of(name, count, seconds=seconds, burst=count)


async def get_attempts(request: Request, rates: RatesDep, settings: SettingsDep) -> Attempts:
    address, site = address_of(request.scope), site_of(request.scope)
    return Attempts(rates, settings.sign_in_per_minute, address, site)


AttemptsDep = Annotated[Attempts, Depends(get_attempts)]
