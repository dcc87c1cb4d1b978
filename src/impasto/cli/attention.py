"""`impasto attention`: where places of a photo look, in a painting or in the photo itself, as a picture or a page."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from impasto.cli.pictures import find_painting
from impasto.cli.terminal import Screen
from impasto.errors import OptionError
from impasto.options import FIGURE_LAYERS, LOOK_OPTIONS, StylizeOptions

METHODS = tuple(LOOK_OPTIONS)
SUFFIXES = (".png", ".html")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What gatys compares, and with what."""

    attention_layers: Annotated[str, Parameter(help="layers of the network, separated by commas")] = FIGURE_LAYERS
    attention_features: Annotated[
        str, Parameter(help="what is compared: the layer alone, with the shallower ones, or all five")
    ] = StylizeOptions.attention_features
    attention_temperature: Annotated[float, Parameter(help="how widely it looks; less: closer to the best match")] = (
        StylizeOptions.attention_temperature
    )
    encoder: Annotated[str, Parameter(help="network that sees: lite or vgg19")] = StylizeOptions.encoder


@dataclass(frozen=True, kw_only=True)
class Translated:
    """What generators that look at the photo itself are asked for."""

    direction: Annotated[str, Parameter(help="of nla-cyclegan and semantic-gan: A2B or B2A")] = StylizeOptions.direction
    baseline: Annotated[
        Path | None, Parameter(help="with these: generators of cyclegan, whose picture stands beside")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Network:
    """Whose attention, at which size, and where it is computed."""

    method: Annotated[
        str,
        Parameter(
            help="gatys: where a photo looks in a painting; nla-cyclegan, semantic-gan: where their generators look in"
            " the photo"
        ),
    ] = "gatys"
    size: Annotated[int | None, Parameter(help="longer side of the content; 512, or its own if that is less")] = None
    weights: Annotated[
        Path | None, Parameter(help="file of weights: the generators, or the encoder vgg19 of gatys")
    ] = None
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1, mps")] = "auto"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is written."""

    output: Annotated[Path, Parameter(alias="-o", help="NAME.png, or NAME.html for a page on which one can point")] = (
        Path("attention.png")
    )
    overwrite: Annotated[bool, Parameter(help="replace a file that exists", show_default=False)] = False

    @property
    def is_page(self) -> bool:
        return self.output.suffix.lower() == ".html"

    def check(self, *sources: Path | None) -> None:
        """Raises PictureError if it could not be written. sources: what is read."""
        from impasto.files import check_output

        check_output(self.output, overwrite=self.overwrite, sources=sources)


def attention(
    content: Annotated[Path, Parameter(help="picture whose places look")],
    /,
    *,
    style: Annotated[
        str | None, Parameter(alias="-s", help="picture they look in, or one of impasto's own; of gatys alone")
    ] = None,
    at: Annotated[
        tuple[str, ...],
        Parameter(consume_multiple=True, help="places of the content, each x,y in pixels or percent"),
    ] = (),
    map: Annotated[  # noqa: A002  (the flag's name)
        bool, Parameter(help="also draw where every place looks; a page always has it", show_default=False)
    ] = False,
    network: Annotated[Network, Parameter(name="*")] = Network(),
    seen: Annotated[Seen, Parameter(name="*")] = Seen(),
    translated: Annotated[Translated, Parameter(name="*")] = Translated(),
    target: Annotated[Target, Parameter(name="*")] = Target(),
) -> int:
    """Show what the attention style loss of `gatys` compares, or where the generators of the others look."""
    if network.method not in METHODS:
        raise OptionError(f"--method is '{network.method}', but attention is shown of {', '.join(METHODS)}")
    if target.output.suffix.lower() not in SUFFIXES:
        raise OptionError(f"--output is {target.output}, but must be NAME.png or NAME.html")
    if network.method == "gatys":
        _refuse(translated, Translated(), "gatys")
        options, painting = _of_gatys(style, network, seen)
        if not target.is_page and not at and not map:
            raise OptionError("--at names no place; give one, like --at 50%,20%, or --map for all of them")
    else:
        _refuse(seen, Seen(), network.method)
        if style is not None:
            raise OptionError(f"--style is not for {network.method}, which looks at the photo itself")
        painting = None
        options = StylizeOptions(method=network.method, size=network.size, direction=translated.direction)
    target.check(content, painting, network.weights, translated.baseline)
    # PyTorch comes in here.
    from impasto import attention as views
    from impasto.api import load
    from impasto.files import replace_file
    from impasto.report.sheets import png

    method = load(network.method, device=network.device, weights=network.weights, download=Screen().download)
    found = views.attention(content, painting, at, options, stylizer=method, baseline=translated.baseline)
    title = f"{content.name} looks at {painting.name if painting else 'itself'}"
    file = views.page(found, title) if target.is_page else png(views.draw(found, overall=map))
    replace_file(target.output, file)
    Screen().result(str(target.output))
    return 0


def _of_gatys(style: str | None, network: Network, seen: Seen) -> tuple[StylizeOptions, Path]:
    """Options, and the painting to look in."""
    options = StylizeOptions(
        method="gatys", size=network.size, encoder=seen.encoder, attention_layers=seen.attention_layers,
        attention_features=seen.attention_features, attention_temperature=seen.attention_temperature,
    )  # fmt: skip
    if style is None:
        raise OptionError("--style names no painting for the method gatys to look in")
    return options, find_painting(style).path


def _refuse(given: Seen | Translated, defaults: Seen | Translated, method: str) -> None:
    for field in fields(given):
        if getattr(given, field.name) != getattr(defaults, field.name):
            raise OptionError(f"--{field.name.replace('_', '-')} is not for the method {method}")
