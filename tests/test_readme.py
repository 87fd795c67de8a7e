"""The README tells the truth where a test can tell."""

import re
from pathlib import Path

from app.core.errors import error_codes
from app.main import FEATURES

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_it_lists_every_error_code() -> None:
    listed = README.partition("<!-- codes -->")[2].partition("<!-- /codes -->")[0]

    assert FEATURES  # what they bring is imported by now
    assert re.findall(r"`(\w+)`", listed) == error_codes()


def test_every_file_that_it_names_is_there() -> None:
    named = re.findall(r"`((?:app|static|tests)/[\w/.]+\.\w+)`", README)

    assert named
    assert [path for path in named if not (Path(__file__).parents[1] / path).exists()] == []
