"""`starshift store`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from starshift.cli import search as searching
from starshift.cli.arguments import StoreFiles, StorePlace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starshift.api.store import Store
    from starshift.records.entry import Entry

app = typer.Typer(
    help="Keep learnwares, find them by name, and hand them on: in a folder, a database, a server or a registry.",
    no_args_is_help=True,
)

Reference = Annotated[
    str, typer.Argument(help="NAME, NAME:VERSION, or the first 8 digits of an id.", show_default=False)
]
Source = Annotated[str, typer.Argument(help="A run, a model folder, or a learnware's tar.", show_default=False)]


class Format(StrEnum):
    """How entries are written."""

    table = "table"
    json = "json"


@app.command()
def init(
    store: StorePlace = None,
    files: Annotated[
        str | None, typer.Option(help="Keep the files there: folder or s3://BUCKET/PREFIX.", show_default=False)
    ] = None,
) -> None:
    """Make an empty store."""
    from starshift.api.store import Store

    with Store.init(store, files=files) as made:
        typer.echo(f"An empty store is in {made.place}.")


@app.command()
def publish(
    source: Source,
    store: StorePlace = None,
    name: Annotated[
        str | None, typer.Option(help="Its name in the store; made of its title if not given.", show_default=False)
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Three numbers, e.g. 1.1.0; its own if not given.", show_default=False)
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="An SPDX expression, e.g. CC-BY-4.0; its own if not given.", show_default=False)
    ] = None,
    files: StoreFiles = None,
) -> None:
    """Keep a learnware under a name and version that never change."""
    from starshift.report import words

    with _open(store, files) as opened:
        done = opened.publish(source, name=name, version=version, licence=licence)
        entry, size = done.entry, words.size(done.entry.package_bytes)
        if done.is_new:
            typer.echo(f"Published {entry.reference} ({size}, id {entry.id[:12]}) in {opened.place}.")
        else:
            typer.echo(f"{entry.reference} is in {opened.place} already, with this very content (id {entry.id[:12]}).")
        if not entry.licence:
            typer.echo(
                "It names no licence, so others cannot know what they may do with it. Say it with --licence.", err=True
            )


@app.command("list")
def list_(
    store: StorePlace = None,
    task: Annotated[str, typer.Option(help="Those of this task, e.g. 'image classification'.")] = "",
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Withdrawn ones too.")] = False,
    format: Annotated[Format, typer.Option(help="A table, or a line of JSON for each.")] = Format.table,
    files: StoreFiles = None,
) -> None:
    """What is in the store."""
    with _open(store, files) as opened:
        entries = opened.list(task=task, withdrawn=withdrawn)
        if format is Format.json:
            import msgspec

            for entry in entries:
                typer.echo(msgspec.json.encode(entry).decode())
            return
        shown = list(entries)
        _show(shown)
        if not shown:
            typer.echo(f"Nothing is in {opened.place}{f' for the task {task!r}' if task else ''}.")


@app.command()
def show(reference: Reference, store: StorePlace = None, files: StoreFiles = None) -> None:
    """A learnware's entry and its model card."""
    from starshift.report import words

    with _open(store, files) as opened:
        entry = opened.find(reference)
        lines = [
            f"{entry.reference}, id {entry.id}",
            f"Published {words.moment(entry.published)}{f' by {entry.publisher}' if entry.publisher else ''}, "
            f"{words.size(entry.package_bytes)}, "
            + (f"specification {words.size(entry.specification_bytes)}" if entry.specification else "no specification"),
            "",
            *opened.card(entry.reference).rstrip().split("\n"),
        ]
        for line in lines:
            typer.echo(words.visible(line))


@app.command()
def pull(
    reference: Annotated[
        str,
        typer.Argument(
            help="NAME, NAME:VERSION, an id's first 8 digits, or oci://HOST/REPOSITORY:TAG.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder that is not there yet; NAME-VERSION if not given.", show_default=False)
    ] = None,
    store: StorePlace = None,
    files: StoreFiles = None,
) -> None:
    """Write a learnware as a folder, checked whole before anything is written."""
    from starshift.api.store import is_address, pull_from_registry

    if is_address(reference):
        folder = pull_from_registry(reference, out)
    else:
        with _open(store, files) as opened:
            folder = opened.pull(reference, out)
    typer.echo(f"Learnware: {folder}")


@app.command()
def push(
    source: Annotated[
        str,
        typer.Argument(help="A run, a model folder or a tar; with --store, what is in a store.", show_default=False),
    ],
    to: Annotated[str, typer.Argument(help="oci://HOST/REPOSITORY:TAG in a registry.", show_default=False)],
    store: StorePlace = None,
    files: StoreFiles = None,
) -> None:
    """Copy a learnware to an OCI registry."""
    from starshift.api.store import push_to_registry

    if store:
        with _open(store, files) as opened:
            digest = opened.push(source, to)
    else:
        digest = push_to_registry(source, to)
    typer.echo(f"Pushed to {to}, {digest}.")


@app.command()
def remove(
    reference: Reference,
    because: Annotated[str, typer.Option(help="Why, for those who ask for it later.")] = "",
    store: StorePlace = None,
    files: StoreFiles = None,
) -> None:
    """Delete a learnware; in a database or on a server, withdraw it for ever."""
    with _open(store, files) as opened:
        entry = opened.remove(reference, because)
        if opened.keeps_tombstones:
            typer.echo(f"Withdrew {entry.reference}; its files are gone, its name and version stay taken.")
        else:
            typer.echo(f"Deleted {entry.reference}.")


@app.command()
def verify(store: StorePlace = None, files: StoreFiles = None) -> None:
    """Read everything again and compare it with its digests; exit code 2 if anything is wrong."""
    from starshift.api.store import told
    from starshift.errors import StoreError

    with _open(store, files) as opened:
        done = opened.verify()
    typer.echo(told(done))
    if done.problems:
        raise StoreError("damaged", done.problems)


app.command()(searching.search)
app.command()(searching.reuse)


@app.command()
def serve(
    store: StorePlace = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8765,
    anonymous_read: Annotated[
        bool, typer.Option("--anonymous-read", help="Let everybody read, without a token.")
    ] = False,
    largest_megabytes: Annotated[int, typer.Option(help="Largest package that is taken.")] = 64,
    reads_per_minute: Annotated[int, typer.Option(help="Most requests of one address.")] = 1200,
    writes_per_minute: Annotated[int, typer.Option(help="Most publications and withdrawals of one token.")] = 60,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Believe X-Forwarded-For of a proxy on this machine.")
    ] = False,
    files: StoreFiles = None,
) -> None:
    """Serve the store over HTTP until Ctrl-C; tokens for writing are made by `starshift store token`."""
    from starshift.serve.run import serve_store, settings

    allowed = settings(
        anonymous_read=anonymous_read,
        largest_megabytes=largest_megabytes,
        reads_per_minute=reads_per_minute,
        writes_per_minute=writes_per_minute,
    )
    with _open(store, files) as opened:
        local = opened.local
        if not opened.accounts():
            typer.echo("There is no token yet, so nobody can publish: `starshift store token NAME`.", err=True)
        typer.echo(f"Serving {opened.place} on http://{host}:{port}; Ctrl-C stops.", err=True)
        serve_store(local, allowed, host=host, port=port, behind_proxy=behind_proxy)


@app.command()
def token(
    name: Annotated[str | None, typer.Argument(help="Whose; all are listed if not given.", show_default=False)] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="It no longer holds; what it published stays.")] = False,
    most_megabytes: Annotated[int, typer.Option(help="Most that it may keep in the store.")] = 1000,
    most_learnwares: Annotated[int, typer.Option(help="Most that it may publish.")] = 1000,
    store: StorePlace = None,
    files: StoreFiles = None,
) -> None:
    """Make a token for writing to the served store, replace it, revoke it, or list all."""
    from starshift.errors import UsageError
    from starshift.report import words

    with _open(store, files) as opened:
        if name is None:
            if revoke:
                raise UsageError("--revoke goes with the name of a token.")
            for account in opened.accounts():
                state = f"revoked {words.moment(account.revoked)}" if account.revoked else "holds"
                quota = f"{words.size(account.most_bytes)}, {words.counted(account.most_learnwares, 'learnware')}"
                typer.echo(f"{account.name}  made {words.moment(account.made)}  {quota} at most  {state}")
        elif revoke:
            opened.revoke(name)
            typer.echo(f"The token of {name} no longer holds.")
        else:
            made = opened.token(name, most_bytes=most_megabytes * 10**6, most_learnwares=most_learnwares)
            typer.echo(made)
            typer.echo(f"Shown this once. {name} sets it as STARSHIFT_STORE_TOKEN.", err=True)


@app.command()
def log(
    most: Annotated[int, typer.Option(help="How many of the newest lines.", min=1)] = 100,
    store: StorePlace = None,
    files: StoreFiles = None,
) -> None:
    """Who published, withdrew, made tokens or was refused."""
    from starshift.report import words

    with _open(store, files) as opened:
        lines = opened.log(most)
    for line in lines:
        words_of = (line.at, line.who or "(here)", line.did, line.what, line.id[:12], line.address)
        typer.echo(words.visible("  ".join(word for word in words_of if word)))


def _open(place: str | None, files: str | None) -> Store:
    from starshift.api.store import Store

    return Store(place, files=files)


def _show(entries: Iterable[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table

    from starshift.report import words

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("learnware", "what it is", "licence"):
        table.add_column(column, overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("published", no_wrap=True)
    for entry in entries:
        cells = (entry.reference, entry.title, entry.licence or "none named")
        size = "withdrawn" if entry.withdrawn else words.size(entry.package_bytes)
        table.add_row(*map(words.visible, cells), size, entry.published[:10])
    if table.row_count:
        Console(highlight=False, markup=False).print(table)
