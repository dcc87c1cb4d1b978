"""`impasto encode`: a painting's style in a file of a few kilobytes, to be used again and again."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from impasto.cli.flags import Device, Overwrite, Vgg19, given, method_flags
from impasto.cli.pictures import find_painting
from impasto.cli.terminal import Screen
from impasto.errors import OptionError
from impasto.files import check_output
from impasto.gallery import STYLE_SUFFIX
from impasto.methods import DEFAULT, StylizeOptions, options_of

_OPTIONS = method_flags([DEFAULT], has=lambda name: name in options_of(DEFAULT).encoded_by)


def encode(
    painting: Annotated[str, Parameter(help="picture, or one of impasto's own")],
    /,
    *,
    output: Annotated[
        Path | None, Parameter(alias="-o", help=f"file, NAME{STYLE_SUFFIX}; the painting's name if not given")
    ] = None,
    options: Any = _OPTIONS,
    weights: Vgg19 = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Encode a painting for the default method."""
    chosen = StylizeOptions(**given(options))
    source = find_painting(painting)
    target = output or Path(source.path.stem + STYLE_SUFFIX)
    if not target.name.endswith(STYLE_SUFFIX):
        raise OptionError(f"--output is {target}, but a style's file is named NAME{STYLE_SUFFIX}")
    screen = Screen()
    from impasto import api

    check_output(target, overwrite=overwrite, sources=[source.path, weights, *chosen.files.values()], makes_folder=True)

    stylizer = api.load(chosen.method, device=device, weights=weights, download=screen.download)
    api.encode_style(source.path, chosen, stylizer=stylizer).save(target)
    screen.written(target)
