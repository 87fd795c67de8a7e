"""What a report that is passed on must not tell: the password, and who signs in by the address."""

from collections.abc import Sequence
from urllib.parse import urlsplit

DEMO_PASSWORD = "tandem-demo"  # noqa: S105 - known to everybody
HIDDEN = "…"


def redacted(arguments: Sequence[str], password: str) -> list[str]:
    """A command line without `password`, unless that is the demo's, and users in addresses."""
    return [_redacted(argument, password) for argument in arguments]


def without_user(address: str) -> str:
    """`http://user:word@host` as `http://…@host`."""
    user, at, _ = urlsplit(address).netloc.rpartition("@")
    return address.replace(f"//{user}@", f"//{HIDDEN}@", 1) if at else address


def _redacted(argument: str, password: str) -> str:
    """By value, as argparse takes `--pass S` and `--password=S`, too."""
    flag, equals, value = argument.partition("=")
    if not (argument.startswith("--") and equals):
        flag, equals, value = "", "", argument
    hidden = HIDDEN if value == password != DEMO_PASSWORD else _address(value)
    return flag + equals + hidden


def _address(value: str) -> str:
    return without_user(value) if value.startswith(("http://", "https://")) else value
