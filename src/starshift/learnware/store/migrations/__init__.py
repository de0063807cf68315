"""The index's form by number. An old index is brought up to date when it is opened; a newer one is refused."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

HEAD = "0002"
"""The newest form, that of `index`'s tables. A test holds it against the scripts."""


def current(connection: Connection) -> str:
    """The number of an index's form; "" where there is no index."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def known() -> set[str]:
    """The numbers of all forms that this version can read."""
    return {file.name.partition("_")[0] for file in (Path(__file__).parent / "versions").glob("[0-9]*.py")}


def upgrade(connection: Connection, to: str = HEAD) -> None:
    """Bring an index to a form, or make one, inside the connection's transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)

    # Alembic's own entry wants a module env.py that makes a connection; here there is one, with its lock.
    def steps(revision: object, context: MigrationContext) -> list[object]:
        return list(script._upgrade_revs(to, revision))  # type: ignore[arg-type]

    with EnvironmentContext(config, script, fn=steps, destination_rev=to) as environment:  # type: ignore[arg-type]
        environment.configure(connection=connection)
        environment.run_migrations()
