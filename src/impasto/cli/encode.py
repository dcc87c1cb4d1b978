"""`impasto encode`: a painting's style in a file of a few kilobytes, to be used again and again."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from impasto.cli.pictures import find_painting
from impasto.cli.terminal import Screen
from impasto.errors import OptionError
from impasto.gallery import STYLE_SUFFIX
from impasto.options import StylizeOptions


def encode(
    painting: Annotated[str, Parameter(help="picture, or one of impasto's own")],
    /,
    *,
    output: Annotated[
        Path | None, Parameter(alias="-o", help=f"file, NAME{STYLE_SUFFIX}; the painting's name if not given")
    ] = None,
    style_scale: Annotated[
        float, Parameter(help="size of the brush strokes: the style picture's scale")
    ] = StylizeOptions.style_scale,
    encoder: Annotated[
        str, Parameter(help="network that sees it: lite or vgg19, as it will be painted with")
    ] = StylizeOptions.encoder,
    decoder: Annotated[
        str, Parameter(help="network that will paint, if it is not impasto's own")
    ] = StylizeOptions.decoder,
    weights: Annotated[Path | None, Parameter(help="file of weights for the encoder vgg19")] = None,
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1, mps")] = "auto",
    overwrite: Annotated[bool, Parameter(help="replace a file that exists", show_default=False)] = False,
) -> int:
    """Encode a painting for the method adain."""
    options = StylizeOptions(style_scale=style_scale, encoder=encoder, decoder=decoder)
    source = find_painting(painting)
    target = output or Path(source.path.stem + STYLE_SUFFIX)
    if not target.name.endswith(STYLE_SUFFIX):
        raise OptionError(f"--output is {target}, but a style's file is named NAME{STYLE_SUFFIX}")
    # PyTorch comes in here.
    from impasto import api
    from impasto.files import check_output

    check_output(target, overwrite=overwrite, sources=[source.path, weights, decoder], makes_folder=True)

    screen = Screen()
    stylizer = api.load(options.method, device=device, weights=weights, download=screen.download)
    api.encode_style(source.path, options, stylizer=stylizer).save(target)
    screen.result(str(target))
    return 0
