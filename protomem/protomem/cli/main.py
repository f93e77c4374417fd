"""`protomem`: the commands, assembled."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from protomem.cli.audit import audit
from protomem.cli.classes import classes
from protomem.cli.contribute import contribute
from protomem.cli.demo import demo
from protomem.cli.forget import forget
from protomem.cli.keys import app as keys
from protomem.cli.learn import learn
from protomem.cli.merge import merge
from protomem.cli.predict import predict
from protomem.cli.purge import purge
from protomem.cli.receipts import receipts
from protomem.cli.report import report
from protomem.cli.serve import serve
from protomem.cli.suggest import suggest
from protomem.cli.trim import trim
from protomem.cli.verify import verify
from protomem.cli.withdraw import withdraw

__all__ = ["app", "main"]

app = typer.Typer(
    name="protomem",
    help="A classifier that is taught, corrected and made to forget exactly.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # what is no ProtomemError is a defect, and its traceback belongs to the report
)
_TEACHING = (demo, learn, predict, suggest, forget, trim, purge)
_FEDERATION = (contribute, merge, withdraw)
_LOOKING = (classes, report, verify, receipts, audit, serve)
for _command in (*_TEACHING, *_FEDERATION, *_LOOKING):
    app.command()(_command)
app.add_typer(keys, name="keys")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"protomem {version('protomem')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """A classifier that is taught, corrected and made to forget exactly."""


def main() -> None:
    """Run the command line on the arguments of this process."""
    app()
