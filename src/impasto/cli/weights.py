"""`impasto weights`: which weights there are, fetching them, normalising their filters, importing those of others."""

from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Literal

from cyclopts import App, Parameter

from impasto.cli.failures import SomeFailedError
from impasto.cli.flags import EVERY_PARAMETER, Vgg19, check_least
from impasto.cli.terminal import Screen, in_columns, write
from impasto.errors import OptionError, suggestion_or_list
from impasto.files import check_output
from impasto.methods import METHODS, options_of

app = App(name="weights", default_parameter=EVERY_PARAMETER, help_format="plaintext")


@app.command(name="list")
def list_weights() -> None:
    """List the weights that impasto knows: where they are, how large, and under which licence."""
    from impasto.weights import WEIGHTS, location

    rows = [("name", "here", "bytes", "licence", "file")]
    for spec in WEIGHTS.values():
        path = location(spec)
        present = path.is_file()
        size = path.stat().st_size if present else spec.num_bytes
        rows.append((spec.name, "yes" if present else "no", f"{size:,}" if size else "?", spec.licence, str(path)))
    for line in in_columns(rows, right=(2,)):
        write(line)
    for spec in WEIGHTS.values():
        write(f"{spec.name}: {spec.provenance}")


@app.command
def fetch(name: Annotated[str, Parameter(help="one of the names in `impasto weights list`")], /) -> None:
    """Download weights into the user's cache, once, check them, and print where they lie."""
    from impasto import weights

    spec = weights.WEIGHTS.get(name)
    if spec is None:
        raise OptionError(f"no weights '{name}'{suggestion_or_list(name, weights.WEIGHTS)}")
    screen = Screen()
    with screen.downloads():
        path = weights.fetch(spec, progress=screen.download)
    write(str(path))


@app.command
def normalise(
    *,
    data: Annotated[list[Path], Parameter(help="folders of pictures")],
    output: Annotated[Path, Parameter(alias="-o", help="file to write, NAME.safetensors")],
    encoder: Annotated[Literal["lite", "vgg19"], Parameter(help="whose filters")] = "vgg19",
    weights: Vgg19 = None,
    size: Annotated[int, Parameter(metavar="PX", help="longer side of the pictures, reduced where larger")] = 512,
    limit: Annotated[int | None, Parameter(metavar="N", help="take N pictures, spread over all of them")] = None,
    overwrite: Annotated[bool, Parameter(help="replace the file if it exists")] = False,
) -> None:
    """Make the mean activation of every filter 1 over a folder of pictures, and save the encoder.

    Use the file with --encoder vgg19 --vgg19 FILE.
    """
    check_least(1, size=size, limit=limit)
    _check_output(output, overwrite, *data, weights)
    from impasto.data.folders import list_pictures
    from impasto.encoders import load_encoder
    from impasto.encoders.filters import normalise_from_pictures, save_normalised

    pictures = list_pictures(data)
    if limit is not None and limit < len(pictures):
        pictures = [pictures[index * len(pictures) // limit] for index in range(limit)]
    screen = Screen()
    with screen.downloads():
        network = load_encoder(encoder, weights=weights, progress=screen.download)
    with screen.counting("normalising") as report:
        failures = normalise_from_pictures(network, pictures, size=size, report=report)
    save_normalised(network, output, name=encoder, pictures=len(pictures) - len(failures), size=size)
    write(str(output))
    if failures:
        named = [(str(path), error) for path, error in failures]
        raise SomeFailedError(named, len(pictures), "could not be used")


@app.command(name="import")
def import_weights(
    file: Annotated[Path, Parameter(help="vgg_normalised.pth or decoder.pth of pytorch-AdaIN, or a copy of them")],
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o", help="file to write, NAME.safetensors")],
    layout: Annotated[
        str | None, Parameter(help="what the file is: adain-encoder or adain-decoder; recognised if not given")
    ] = None,
    overwrite: Annotated[bool, Parameter(help="replace the file if it exists")] = False,
) -> None:
    """Convert the weights of another AdaIN program, and say how to use them."""
    _check_output(output, overwrite, file)
    method, convert = next((name, kind.foreign) for name in METHODS if (kind := options_of(name)).foreign)
    imported = resolve_name(convert)(file, output, layout)
    screen = Screen()
    screen.note(f"{file}: {imported.name}, {imported.what}")
    screen.result(str(output))
    if imported.network == "encoder":
        screen.note(f"use it with --encoder vgg19 --vgg19 {output}; --method {method} needs its decoder as well")
    else:
        screen.note(f"use it with --method {method} --decoder {output} and its encoder: --encoder vgg19 --vgg19 FILE")


def _check_output(output: Path, overwrite: bool, *sources: Path | None) -> None:
    if output.suffix != ".safetensors":
        raise OptionError(f"--output {output} must end in .safetensors")
    check_output(output, overwrite=overwrite, sources=sources, makes_folder=True)
