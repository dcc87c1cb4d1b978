"""`impasto keys`: who may use a server."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from impasto.cli.flags import EVERY_PARAMETER
from impasto.cli.terminal import Screen, write
from impasto.web.keys import add_key, read_keys, remove_key

app = App(name="keys", default_parameter=EVERY_PARAMETER, help_format="plaintext")

KeyFile = Annotated[Path, Parameter(metavar="FILE", help="the file that `impasto serve --keys` reads")]


@app.command
def add(
    name: Annotated[str, Parameter(help="whose key it is")],
    /,
    *,
    keys: KeyFile,
    scope: Annotated[tuple[str, ...], Parameter(help="what it is for: stylize, metrics")] = ("stylize",),
    rate: Annotated[
        float | None,
        Parameter(metavar="N", help="paintings a minute, 0 for any number; the server's --rate if not given"),
    ] = None,
) -> None:
    """Make a key and print it, this once: the file holds only its hash."""
    write(add_key(keys, name, scope, rate))
    Screen().note(f"the key of {name} is now in {keys}; it is sent as Authorization: Bearer KEY")


@app.command(name="list")
def list_keys(*, keys: KeyFile) -> None:
    """List whose keys there are, what they are for, their rates, and since when."""
    for key in read_keys(keys):
        rate = "-" if key.rate is None else f"{key.rate:g}/min"
        write(f"{key.name}  {','.join(key.scopes)}  {rate}  {key.created}")


@app.command
def remove(name: Annotated[str, Parameter(help="whose key it is")], /, *, keys: KeyFile) -> None:
    """Take a key away; a server that runs knows within a second."""
    remove_key(keys, name)
