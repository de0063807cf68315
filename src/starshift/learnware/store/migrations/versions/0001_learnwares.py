"""Learnwares by name and version, and what the store itself knows."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Names are in the same order everywhere, whatever language a database was made for.
ORDERED = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "learnwares",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", ORDERED, nullable=False),
        sa.Column("version", ORDERED, nullable=False),
        sa.Column("id", sa.String(64), nullable=False, index=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("package", sa.String(64), nullable=False, index=True),
        sa.Column("package_bytes", sa.BigInteger, nullable=False),
        sa.Column("specification", sa.String(64), nullable=False, index=True),
        sa.Column("specification_bytes", sa.BigInteger, nullable=False),
        sa.Column("learnware", sa.LargeBinary, nullable=False),
        sa.Column("published", sa.String(32), nullable=False),
        sa.Column("publisher", sa.String(64), nullable=False, index=True),
        sa.Column("revision", sa.BigInteger, nullable=False, unique=True),
        sa.Column("withdrawn_at", sa.String(32), nullable=False, server_default=""),
        sa.Column("withdrawn_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("withdrawn_because", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("name", "version", name="learnwares_name_version"),
    )
    store = op.create_table(
        "store", sa.Column("revision", sa.BigInteger, nullable=False), sa.Column("files", sa.Text, nullable=False)
    )
    op.bulk_insert(store, [{"revision": 0, "files": ""}])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("store")
    op.drop_table("learnwares")
