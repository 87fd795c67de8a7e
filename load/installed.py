"""What a peer needs that is not part of this project, and how it is installed."""

import os
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from load.process import ROOT

NODE = ROOT / "load" / "peers" / "node"
"""Servers in JavaScript beside their packages, as modules find only what is above them."""

_NPM = f"npm ci --prefix {NODE.relative_to(ROOT)}"
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def program(name: str) -> str | None:
    """Its path; servers are often where only root looks for programs."""
    return which(name, path=_PATH)


def missing_program(name: str, package: str) -> str | None:
    return None if program(name) else f"there is no {name}: apt-get install {package}"


def missing_node(package: str) -> str | None:
    """A package of `load/peers/node`, and what runs it."""
    if reason := missing_program("node", "nodejs npm"):
        return reason
    found = (NODE / "node_modules" / package).is_dir()
    return None if found else f"its packages are not installed: {_NPM}"


def bun() -> Path | None:
    """The program itself: npm's package only has a script that would put it elsewhere."""
    return min(NODE.glob("node_modules/@oven/bun-*/bin/bun"), default=None)


def missing_bun() -> str | None:
    return None if bun() else f"bun is not installed: {_NPM}"


def missing_python(*modules: str) -> str | None:
    if all(find_spec(module) for module in modules):
        return None
    return "its packages are not installed: pip install '.[compare]'"
