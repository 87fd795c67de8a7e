"""DATABASE_URL and REDIS_URL: looked through at the start, by what their drivers know.

The drivers would tell of a wrong one with every connection that they try, some by quoting a piece
of its password. Nothing that may be one is ever told here.
"""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, urlsplit

Value = tuple[str, str]
"""What a parameter's value has to match, and the words for it."""

ESCAPE = "in a user or password / ? # [ ] @ are written %2F %3F %23 %5B %5D %40"
PORT_MAX = 65_535
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@,\[\]]+)(?::([0-9]*))?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,62}")


def _words(*words: str) -> Value:
    return "|".join(map(re.escape, words)), f"one of {', '.join(words)}"


ANY: Value = (r"(?s:.*)", "anything")
NUMBER: Value = (r"[0-9]+", "a whole number")
BOOLEAN = _words("true", "false")
TLS = _words("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

POSTGRES: Mapping[str, Value] = {
    "sslmode": _words("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": _words("postgres", "direct"),
    "ssl_min_protocol_version": TLS,
    "ssl_max_protocol_version": TLS,
    "target_session_attrs": _words("any", "primary", "read-write"),  # a worker writes
    "gsslib": _words("gssapi", "sspi"),
}
"""Of asyncpg's parameters those with values of their own. What it does not know it sends on as a
setting of the server, which may be just what is wanted: `lock_timeout`.
"""
LIBPQ_ONLY = {
    "hostaddr", "require_auth", "channel_binding", "connect_timeout",
    "fallback_application_name", "keepalives", "keepalives_idle", "keepalives_interval",
    "keepalives_count", "replication", "gssencmode", "gssdelegation", "requiressl",
    "requirepeer", "sslcompression", "sslkeylogfile", "sslcertmode", "sslcrldir", "sslsni",
    "servicefile", "min_protocol_version", "max_protocol_version", "scram_client_key",
    "scram_server_key", "load_balance_hosts", "oauth_issuer", "oauth_client_id",
    "oauth_client_secret", "oauth_scope",
}  # fmt: skip
"""No settings of a server: PostgreSQL, "Parameter Key Words" of libpq."""

REDIS: Mapping[str, Value] = {
    **dict.fromkeys(("username", "password"), ANY),
    **dict.fromkeys(("db", "health_check_interval"), NUMBER),
    "protocol": _words("2", "3"),
}
REDISS: Mapping[str, Value] = {
    **REDIS,
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_ca_data", "ssl_ciphers"), ANY),
    **dict.fromkeys(("ssl_certfile", "ssl_keyfile", "ssl_password"), ANY),
    "ssl_cert_reqs": _words("none", "optional", "required"),
    "ssl_check_hostname": BOOLEAN,
    "ssl_min_version": NUMBER,
}
"""Those of redis-py that a deployment may need; its time limits are settings of ours."""


def check_database_url(url: str) -> str:
    """In one spelling, libpq's: postgresql://, without the driver; `sslmode`, not `ssl`.

    Raises ValueError.
    """
    if not url.startswith(("postgresql://", "postgresql+asyncpg://")):
        raise ValueError("not a postgresql:// or postgresql+asyncpg:// address")
    plain = url.replace("postgresql+asyncpg://", "postgresql://", 1)
    plain = re.sub(r"([?&])ssl=", r"\1sslmode=", plain)
    parts = _split(plain)
    given = _parameters(parts.query, POSTGRES)
    for name in given:
        if name in LIBPQ_ONLY or not NAME.fullmatch(name):
            raise ValueError(f"asyncpg knows no parameter {_named(name)}")
    _check_hosts(_hosts(parts))
    _check_hosts(",".join(host for host in given.get("host", "").split(",") if host[:1] != "/"))
    if "port" in given and not all(map(_is_port, given["port"].split(","))):
        raise ValueError(f"the parameter port is a number from 1 to {PORT_MAX}")
    return plain


def check_redis_url(url: str) -> str:
    """The same address. Raises ValueError."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("not a redis://, rediss:// or unix:// address")
    parts = _split(url)
    known = REDISS if parts.scheme == "rediss" else REDIS
    for name in _parameters(parts.query, known):
        if name not in known:
            raise ValueError(f"no parameter {_named(name)} is known, only {', '.join(known)}")
    if parts.scheme != "unix":
        _check_hosts(_hosts(parts), most=1)
        if not re.fullmatch(r"/?[0-9]*/?", parts.path):
            raise ValueError("what follows the host is the number of a database")
    return url


def shown(url: str) -> str:
    """As much of an address as holds no secret: its scheme, its hosts where they are certain."""
    scheme = SCHEME.match(url)
    if scheme is None:
        return "(hidden)"
    try:
        hosts = _hosts(_split(url))
        _check_hosts(hosts)
    except ValueError:
        return f"{scheme[0]}(hidden)"
    names = (HOST.match(host) for host in hosts.split(","))
    return f"{scheme[0]}{','.join(name[1] for name in names if name)}/(hidden)"


def target_of(url: str) -> str:
    """Where an address that was checked leads to: hosts and ports, as far as it names them."""
    parts = urlsplit(url)
    return _hosts(parts) or dict(parse_qsl(parts.query)).get("host") or "the default host"


def _split(url: str) -> SplitResult:
    """Raises ValueError where a / or a # may be one of the password: it would be cut there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(ESCAPE) from None
    if "#" in url or parts.netloc.count("@") > 1 or "@" in parts.path + parts.query:
        raise ValueError(ESCAPE)
    return parts


def _hosts(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _check_hosts(hosts: str, most: int = PORT_MAX) -> None:
    """None is as good as a default. Raises ValueError."""
    each = hosts.split(",") if hosts else []
    for host in each:
        found = HOST.fullmatch(host)
        if found is None or (found[2] and not _is_port(found[2])):
            raise ValueError(f"not HOST:PORT with a port from 1 to {PORT_MAX}; {ESCAPE}")
    if len(each) > most:
        raise ValueError("more than one host")


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]+", text) is not None and 1 <= int(text) <= PORT_MAX


def _parameters(query: str, values: Mapping[str, Value]) -> dict[str, str]:
    """What stands behind the ?; raises ValueError for a value that its parameter cannot have."""
    try:
        given = parse_qsl(query, strict_parsing=True) if query else []
    except ValueError:
        raise ValueError("the parameters are not NAME=VALUE&NAME=VALUE") from None
    for name, value in given:
        pattern, allowed = values.get(name, ANY)
        if not re.fullmatch(pattern, value):
            raise ValueError(f"the parameter {name} is {allowed}")
    return dict(given)


def _named(name: str) -> str:
    return name if NAME.fullmatch(name) else "of that name"
