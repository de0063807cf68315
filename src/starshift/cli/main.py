"""The command `starshift`: words → call → sentence and exit code.

Exit codes: 0 done, 1 a bug (with its traceback), 2 something that the user can mend, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from starshift.cli import (
    check,
    demo,
    explain,
    export,
    fit,
    forecast,
    predict,
    pretrain,
    report,
    reproduce,
    review,
    store,
    summary,
)
from starshift.errors import StarshiftError


class Commands(TyperGroup):
    """The only place where exceptions become exit codes; Typer itself would say nothing on Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the words name."""
        try:
            return super().invoke(ctx)
        except StarshiftError as error:
            for problem in error.problems:
                typer.echo(problem, err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            typer.echo("Stopped. What was finished is kept; the same command continues.", err=True)
            sys.exit(130)
        except BrokenPipeError:  # the reader of a pipe went away, as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed goes nowhere
            sys.exit(141)


app = typer.Typer(
    name="starshift",
    cls=Commands,
    help="Deep learning for small datasets: from a folder of labelled pictures to an honest model and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fit")(fit.fit)
app.command("check")(check.check)
app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("report")(report.report)
app.command("forecast")(forecast.forecast)
app.command("review")(review.review)
app.command("pretrain")(pretrain.pretrain)
app.command("reproduce")(reproduce.reproduce)
app.command("summary")(summary.summary)
app.command("demo")(demo.demo)
app.add_typer(store.app, name="store")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"starshift {version('starshift')}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Deep learning for small datasets: from a folder of labelled pictures to an honest model and a report."""


def main() -> None:
    """Run the command line."""
    app()
