"""The README and `make help` tell the truth where a test can tell."""

import re
import subprocess
import sys
from pathlib import Path

PRINT_CODES = "import app.main; from app.core.errors import error_codes; print(*error_codes())"
README = (Path(__file__).parents[1] / "README.md").read_text()
MAKEFILE = (Path(__file__).parents[1] / "Makefile").read_text()


def test_it_lists_every_error_code() -> None:
    listed = README.partition("<!-- codes -->")[2].partition("<!-- /codes -->")[0]

    # In a process of its own: here the tests' own errors are known, too.
    told = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PRINT_CODES], capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"`(\w+)`", listed) == told.split()


def test_every_file_that_it_names_is_there() -> None:
    named = re.findall(r"`((?:app|static|tests)/[\w/.]+\.\w+)`", README)

    assert named
    assert [path for path in named if not (Path(__file__).parents[1] / path).exists()] == []


def test_make_help_names_every_target() -> None:
    [targets] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    helped = re.findall(r'@echo "make (\w+) ', MAKEFILE)

    assert {"help", *helped} == set(targets.split())
