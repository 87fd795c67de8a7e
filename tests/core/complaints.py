"""What a start without the right settings ends with."""

import pytest

from app.core.config import SettingsError, load_settings


def complaint() -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings()
    return str(refused.value)
