"""What the tests of the pages are marked with."""

from typing import Literal

import pytest

from tests.end_to_end.browser import CHROMIUM


def in_browser(loop_scope: Literal["module", "package"]) -> list[pytest.MarkDecorator]:
    """The loop is that of the browser which they share."""
    return [
        pytest.mark.asyncio(loop_scope=loop_scope),
        pytest.mark.browser,
        pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: browser tests left out"),
    ]


PAGE = in_browser("module")
