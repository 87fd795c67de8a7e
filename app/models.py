"""Every table, in one place, for migrations."""

import app.core.idempotency_keys
import app.orders.models
import app.realtime.models
import app.users.models  # noqa: F401 - imported for their tables
