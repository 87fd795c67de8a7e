"""An index by which sessions that have ended are found, to be removed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_user_sessions_ended_at",
        "user_sessions",
        [sa.literal_column("LEAST(revoked_at, expires_at)")],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_user_sessions_ended_at", table_name="user_sessions")
