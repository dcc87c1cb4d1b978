"""`impasto attention`: where places of a content look in a style, as a picture or a page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from impasto.cli.pictures import find_style
from impasto.cli.terminal import Screen
from impasto.errors import OptionError, PictureError
from impasto.options import FIGURE_LAYERS, StylizeOptions

SUFFIXES = (".png", ".html")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is compared, and with what."""

    attention_layers: Annotated[str, Parameter(help="layers of the network, separated by commas")] = FIGURE_LAYERS
    attention_features: Annotated[
        str, Parameter(help="what is compared: the layer alone, with the shallower ones, or all five")
    ] = StylizeOptions.attention_features
    attention_temperature: Annotated[float, Parameter(help="how widely it looks; less: closer to the best match")] = (
        StylizeOptions.attention_temperature
    )
    size: Annotated[int | None, Parameter(help="longer side of the content; 512, or its own if that is less")] = None
    encoder: Annotated[str, Parameter(help="network that sees: lite or vgg19")] = StylizeOptions.encoder
    weights: Annotated[Path | None, Parameter(help="file of weights for the encoder vgg19")] = None
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1, mps")] = "auto"


def attention(
    content: Annotated[Path, Parameter(help="picture whose places look")],
    /,
    *,
    style: Annotated[str, Parameter(alias="-s", help="picture they look in, or one of impasto's own")],
    at: Annotated[
        tuple[str, ...], Parameter(help="a place of the content, x,y in pixels or percent; can be given again")
    ] = (),
    map: Annotated[  # noqa: A002  (the flag's name)
        bool, Parameter(help="also draw where every place looks; a page always has it", show_default=False)
    ] = False,
    seen: Annotated[Seen, Parameter(name="*")] = Seen(),
    output: Annotated[
        Path, Parameter(alias="-o", help="NAME.png, or NAME.html for a page on which one can point")
    ] = Path("attention.png"),
    overwrite: Annotated[bool, Parameter(help="replace a file that exists", show_default=False)] = False,
) -> int:
    """Show what the attention style loss of `gatys` compares."""
    options = StylizeOptions(
        method="gatys", size=seen.size, encoder=seen.encoder, attention_layers=seen.attention_layers,
        attention_features=seen.attention_features, attention_temperature=seen.attention_temperature,
    )  # fmt: skip
    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise OptionError(f"--output is {output}, but must be NAME.png or NAME.html")
    if suffix == ".png" and not at and not map:
        raise OptionError("--at names no place; give one, like --at 50%,20%, or --map for all of them")
    painting = find_style(style).path
    if output.exists() and not overwrite:
        raise PictureError(f"{output}: exists already; --overwrite replaces it")
    # PyTorch comes in here.
    from impasto import figures
    from impasto.api import load
    from impasto.attention import attention as look
    from impasto.attention import draw, page
    from impasto.record import replace_file

    screen = Screen()
    method = load("gatys", device=seen.device, weights=seen.weights, download=screen.download)
    found = look(content, painting, at, options, stylizer=method)  # type: ignore[arg-type]
    if suffix == ".png":
        replace_file(output, figures.png(draw(found, correspondence=map)))
    else:
        title = f"{content.name} looks at {painting.name}"
        replace_file(output, page(found, title).encode())
    screen.result(str(output))
    return 0
