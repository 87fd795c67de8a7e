"""What several tests of the load suite look at."""

import ssl
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Those that the ssl module has made: each reads every certificate that is trusted."""
    made: list[object] = []
    create: Callable[..., ssl.SSLContext] = ssl.create_default_context

    def create_and_note(*given: Any, **more: Any) -> ssl.SSLContext:
        context = create(*given, **more)
        made.append(context)
        return context

    monkeypatch.setattr(ssl, "create_default_context", create_and_note)
    return made
