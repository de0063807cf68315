"""What a store knows of its learnwares, in SQLite or PostgreSQL.

Every change runs in a transaction that first takes the row with the store's revision. That row is the store's lock:
changes come one after another, so that who asks for what came after a revision misses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from msgspec.structs import replace
from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
    union,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from starshift.errors import MissingExtra, StoreError, UsageError
from starshift.learnware.store import migrations
from starshift.learnware.store.names import Reference
from starshift.records.entry import Account, Entry, LogLine, Specified, Withdrawal

SQLITE_WAIT_SECONDS = 30.0
"""How long one process waits for another that is writing."""

_POOL = {"pool_size": 10, "max_overflow": 40}
"""Connections: as many as a server has threads, and some to spare."""

_METADATA = MetaData()

LEARNWARES = Table(
    "learnwares",
    _METADATA,
    Column("number", Integer, primary_key=True),
    Column("name", String(64)),
    Column("version", String(64)),
    Column("id", String(64)),
    Column("title", Text),
    Column("task", Text),
    Column("licence", Text),
    Column("package", String(64)),
    Column("package_bytes", BigInteger),
    Column("specification", String(64)),
    Column("specification_bytes", BigInteger),
    Column("learnware", LargeBinary),  # learnware.json; empty once it is withdrawn
    Column("published", String(32)),
    Column("publisher", String(64)),
    Column("revision", BigInteger),
    Column("withdrawn_at", String(32)),  # "" while it is not
    Column("withdrawn_by", String(64)),
    Column("withdrawn_because", Text),
)

STORE = Table(
    "store",
    _METADATA,
    Column("revision", BigInteger),
    Column("files", Text),  # a folder or s3://…; "" where they lie beside the index
)
"""One row."""

ACCOUNTS = Table(
    "accounts",
    _METADATA,
    Column("name", String(64), primary_key=True),
    Column("salt", LargeBinary),
    Column("hash", LargeBinary),
    Column("made", String(32)),
    Column("revoked", String(32)),  # "" while it holds
    Column("most_bytes", BigInteger),
    Column("most_learnwares", BigInteger),
)

LOG = Table(
    "log",
    _METADATA,
    Column("number", Integer, primary_key=True),
    Column("at", String(32)),
    Column("who", String(64)),
    Column("did", String(16)),
    Column("what", Text),
    Column("id", String(64)),
    Column("address", String(64)),
)

_SHOWN = [column for column in LEARNWARES.columns if column.name != "learnware"]
_LIVING = LEARNWARES.c.withdrawn_at == ""


def now() -> str:
    """This moment, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Index:
    """What is in the database. Whatever changes it runs in `changing`."""

    def __init__(self, url: str | Path) -> None:
        self._engine = _engine(url)
        # Threads that wait for each other here are woken; those that wait for SQLite's lock sleep and try again.
        self._turn = Lock() if self._engine.dialect.name == "sqlite" else nullcontext()
        self.place = str(url) if isinstance(url, Path) else _without_password(self._engine.url)

    # Opening ------------------------------------------------------------------------------------------

    def create(self, files: str = "") -> None:
        """Make the tables. files: where the files lie. Raises StoreError where there is a store already."""
        with self._writing() as connection:
            self._lock(connection)
            if migrations.current(connection):
                raise StoreError("taken", f"{self.place} holds a store already; nothing was changed.")
            migrations.upgrade(connection)
            connection.execute(update(STORE).values(files=files))

    def open(self) -> None:
        """Bring an old index up to date. Raises StoreError where there is none, or a newer one."""
        with self._reading() as connection:
            found = migrations.current(connection)
        if not found:
            raise StoreError("missing", f"{self.place} holds no store yet. Make one with `starshift store init`.")
        self._refuse_newer(found)
        if found != migrations.HEAD:
            with self._writing() as connection:
                self._lock(connection)
                self._refuse_newer(migrations.current(connection))
                migrations.upgrade(connection)

    def _refuse_newer(self, found: str) -> None:
        if found not in migrations.known():
            raise StoreError(
                "unusable",
                f"The store {self.place} was written by a newer version of Starshift (its index has form {found}; this "
                f"version reads up to {migrations.HEAD}). Update Starshift to use it.",
            )

    def _lock(self, connection: Connection) -> None:
        """Wait for others that make or migrate this index now. SQLite locked it when the transaction began."""
        if self._engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7375617273)"))

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    # Reading ------------------------------------------------------------------------------------------

    def find(self, reference: Reference) -> list[Entry]:
        """Those that a reference can mean, withdrawn ones too; of a name without a version, all, newest first."""
        table = LEARNWARES.c
        wanted = table.name == reference.name
        if reference.version:
            wanted &= table.version == reference.version
        query = select(*_SHOWN).order_by(table.number.desc())
        with self._reading() as connection:
            found = connection.execute(query.where(wanted)).all()
            if not found and reference.may_be_id:
                found = connection.execute(query.where(table.id.startswith(reference.name)).limit(100)).all()
        return [_entry(row) for row in found]

    def learnware(self, entry: Entry) -> bytes:
        """The learnware.json of an entry."""
        table = LEARNWARES.c
        query = select(table.learnware).where(table.name == entry.name, table.version == entry.version)
        with self._reading() as connection:
            return bytes(connection.execute(query).scalar() or b"")

    def entries(self, *, after: tuple[str, str], most: int, task: str = "", withdrawn: bool = False) -> list[Entry]:
        """By name and version, those behind (name, version); `task`: those of this task alone."""
        table = LEARNWARES.c
        name, version = after
        wanted = (table.name > name) | ((table.name == name) & (table.version > version))
        if task:
            wanted &= table.task == task
        if not withdrawn:
            wanted &= _LIVING
        query = select(*_SHOWN).where(wanted).order_by(table.name, table.version).limit(most)
        with self._reading() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def changed(self, *, after: int, most: int) -> list[Specified]:
        """What changed after a revision, oldest first; specifications are left empty."""
        query = select(LEARNWARES).where(LEARNWARES.c.revision > after).order_by(LEARNWARES.c.revision).limit(most)
        with self._reading() as connection:
            return [Specified(_entry(row), bytes(row.learnware), b"") for row in connection.execute(query)]

    def revision(self) -> int:
        """The store's newest revision."""
        with self._reading() as connection:
            return int(connection.execute(select(STORE.c.revision)).scalar_one())

    def files(self) -> str:
        """Where the files lie, as `create` was told."""
        with self._reading() as connection:
            return str(connection.execute(select(STORE.c.files)).scalar_one())

    def named(self) -> set[str]:
        """The digests of all files that entries name."""
        with self._reading() as connection:
            return set(connection.execute(_named()).scalars()) - {""}

    def account(self, name: str) -> tuple[Account, bytes, bytes] | None:
        """An account with the salt and the hash of its secret."""
        with self._reading() as connection:
            row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one_or_none()
        return (_account(row), bytes(row.salt), bytes(row.hash)) if row else None

    def accounts(self) -> list[Account]:
        """All of them, by name."""
        with self._reading() as connection:
            return [_account(row) for row in connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name))]

    def log(self, most: int) -> list[LogLine]:
        """The newest lines, oldest of them first."""
        with self._reading() as connection:
            rows = connection.execute(select(LOG).order_by(LOG.c.number.desc()).limit(most)).all()
        return [LogLine(row.at, row.who, row.did, row.what, row.id, row.address) for row in reversed(rows)]

    def check(self) -> list[str]:
        """What SQLite finds wrong with its own file; PostgreSQL has no such question."""
        if self._engine.dialect.name != "sqlite":
            return []
        with self._reading() as connection:
            said = [str(line) for line in connection.execute(text("PRAGMA integrity_check(20)")).scalars()]
        return [] if said == ["ok"] else [f"The index {self.place} is damaged: {line}." for line in said]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._told(), self._engine.connect() as connection:
            yield connection

    # Changing -----------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """A change, alone in the store until the block ends; nothing of it stays if that is by an exception."""
        with self._writing() as connection:
            connection.execute(update(STORE).values(revision=STORE.c.revision))  # locks the row
            yield Change(connection)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._told(), self._turn, self._engine.connect() as connection:
            connection = connection.execution_options(starshift_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            said = str(error.orig if isinstance(error, DBAPIError) and error.orig else error)
            first = said.strip().split("\n")[0]
            raise StoreError("unusable", f"The index {self.place} cannot be used: {first}.") from error


class Change:
    """A transaction that holds the store's lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _next_revision(self) -> int:
        counted = update(STORE).values(revision=STORE.c.revision + 1).returning(STORE.c.revision)
        return int(self._connection.execute(counted).scalar_one())

    def entry(self, name: str, version: str) -> Entry | None:
        """The entry of a name and version, withdrawn or not."""
        query = select(*_SHOWN).where(LEARNWARES.c.name == name, LEARNWARES.c.version == version)
        row = self._connection.execute(query).one_or_none()
        return _entry(row) if row else None

    def owner(self, name: str) -> str | None:
        """Who published a name first; None where nobody did."""
        query = select(LEARNWARES.c.publisher).where(LEARNWARES.c.name == name).order_by(LEARNWARES.c.number).limit(1)
        found: str | None = self._connection.execute(query).scalar_one_or_none()
        return found

    def used(self, publisher: str) -> tuple[int, int]:
        """Bytes of the living packages of a publisher, and how many learnwares it ever published."""
        mine = LEARNWARES.c.publisher == publisher
        living = select(func.coalesce(func.sum(LEARNWARES.c.package_bytes), 0)).where(mine & _LIVING)
        ever = select(func.count()).select_from(LEARNWARES).where(mine)
        return int(self._connection.execute(living).scalar_one()), int(self._connection.execute(ever).scalar_one())

    def names(self, digests: Sequence[str]) -> set[str]:
        """Which of these files entries name."""
        found: set[str] = set()
        for column in (LEARNWARES.c.package, LEARNWARES.c.specification):
            found |= set(self._connection.execute(select(column).where(column.in_(digests), _LIVING)).scalars())
        return found

    def add(self, entry: Entry, learnware: bytes) -> Entry:
        """Add an entry. Returns it with the revision that it got."""
        entry = replace(entry, revision=self._next_revision())
        values = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "withdrawn"}
        self._connection.execute(LEARNWARES.insert().values(**values, learnware=learnware))
        return entry

    def withdraw(self, entry: Entry, withdrawal: Withdrawal) -> Entry:
        """Leave a tombstone. Returns it."""
        entry = replace(entry, withdrawn=withdrawal, revision=self._next_revision())
        self._connection.execute(
            update(LEARNWARES)
            .where(LEARNWARES.c.name == entry.name, LEARNWARES.c.version == entry.version)
            .values(
                withdrawn_at=withdrawal.at,
                withdrawn_by=withdrawal.by,
                withdrawn_because=withdrawal.because,
                learnware=b"",
                revision=entry.revision,
            )
        )
        return entry

    def delete(self, entry: Entry) -> None:
        """Leave nothing."""
        self._next_revision()
        mine = (LEARNWARES.c.name == entry.name) & (LEARNWARES.c.version == entry.version)
        self._connection.execute(LEARNWARES.delete().where(mine))

    def keep_account(self, account: Account, salt: bytes, hash: bytes) -> None:
        """Add an account, or replace the one of its name."""
        self._connection.execute(ACCOUNTS.delete().where(ACCOUNTS.c.name == account.name))
        values = {name: getattr(account, name) for name in account.__struct_fields__}
        self._connection.execute(ACCOUNTS.insert().values(**values, salt=salt, hash=hash))

    def note(self, did: str, what: str, *, who: str = "", id: str = "", address: str = "") -> None:
        """Add a line to the log."""
        line = {"at": now(), "who": who[:64], "did": did, "what": what[:300], "id": id, "address": address[:64]}
        self._connection.execute(LOG.insert().values(**line))


def _named() -> Any:
    return union(*(select(column).where(_LIVING) for column in (LEARNWARES.c.package, LEARNWARES.c.specification)))


def _entry(row: Row[Any]) -> Entry:
    fields = {name: getattr(row, name) for name in Entry.__struct_fields__ if name != "withdrawn"}
    taken_back = Withdrawal(row.withdrawn_at, row.withdrawn_by, row.withdrawn_because) if row.withdrawn_at else None
    return Entry(**fields, withdrawn=taken_back)


def _account(row: Row[Any]) -> Account:
    return Account(**{name: getattr(row, name) for name in Account.__struct_fields__})


# Engines --------------------------------------------------------------------------------------------------


def _engine(url: str | Path) -> Any:
    """Raises MissingExtra, UsageError."""
    if isinstance(url, Path):
        return _sqlite(url)
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            f"A database is named as postgresql://USER@HOST/DATABASE; {url.partition('@')[2] or url!r} came."
        ) from error
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "A store in PostgreSQL needs psycopg, which is not installed: pip install 'starshift[postgres]'"
        ) from error
    # Asked before use, so that a database that was restarted is no error.
    return create_engine(parsed, pool_pre_ping=True, **_POOL)


def _without_password(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def _sqlite(file: Path) -> Any:
    engine = create_engine(
        URL.create("sqlite", database=str(file)), connect_args={"timeout": SQLITE_WAIT_SECONDS}, **_POOL
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 would begin where it thinks fit; `_begin` says when
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # in WAL the default of others loses commits with the power

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later would fail where another wrote in between.
        writes = connection.get_execution_options().get("starshift_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
