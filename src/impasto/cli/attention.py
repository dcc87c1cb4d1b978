"""`impasto attention`: where places of a photo look, in a painting or in the photo itself, as a picture or a page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from impasto.cli.flags import Device, Flags, Overwrite, Vgg19, check_weights, flag, given, method_flags
from impasto.cli.pictures import find_painting
from impasto.cli.terminal import Screen
from impasto.errors import OptionError
from impasto.files import check_output, replace_file
from impasto.methods import METHODS, StylizeOptions, options_of

LOOKING = [name for name in METHODS if options_of(name).looks_in]
CHANGING = {option for name in LOOKING for option in options_of(name).look_options}
SUFFIXES = (".png", ".html")
_OPTIONS = method_flags(LOOKING, has=lambda name: name in CHANGING)


@dataclass(frozen=True, kw_only=True)
class LookFlags(Flags):
    """What is shown, by which network, and where to."""

    style: str | None = flag(
        "picture they look in, or one of impasto's own; none for what looks in the content", alias="-s"
    )
    at: tuple[str, ...] = flag("places of the content, each x,y in pixels or percent", ())
    map: bool = flag("also draw where every place looks; a page always has it", False)
    weights: Path | None = flag("of a method whose weights are its style: what its training wrote, or monet")
    vgg19: Vgg19 = None
    baseline: Path | None = flag("generators of another method, whose picture stands beside")
    device: Device = "auto"
    output: Path = flag("NAME.png, or NAME.html for a page on which one can point", Path("attention.png"), alias="-o")
    overwrite: Overwrite = False


def attention(
    content: Annotated[Path, Parameter(help="picture whose places look")],
    /,
    *,
    look: LookFlags = LookFlags(),
    options: Any = _OPTIONS,
) -> None:
    """Show where places of a picture look: in a painting, or, with trained generators, in the picture itself."""
    chosen = given(options)
    method = chosen.pop("method", LOOKING[0])
    usual = {name: value for name, value in options_of(method).look_usual.items() if name not in chosen}
    how = StylizeOptions(method, **usual, **chosen)
    suffix = look.output.suffix.lower()
    if suffix not in SUFFIXES:
        raise OptionError(f"--output is {look.output}, but must be NAME.png or NAME.html")
    weights = check_weights(how, look.weights, look.vgg19)
    painting = None
    if how.looks_in == "style":
        if look.baseline is not None:
            raise OptionError(f"--baseline is not for the method {method}")
        if look.style is None:
            raise OptionError(f"--style is missing: the painting that the method {method} looks in")
        if suffix == ".png" and not look.at and not look.map:
            raise OptionError("--at names no place; give one, like --at 50%,20%, or --map for all of them")
        painting = find_painting(look.style).path
    elif look.style is not None:
        raise OptionError(f"--style is not for {method}, which looks at the photo itself")
    check_output(look.output, overwrite=look.overwrite, sources=[content, painting, weights, look.baseline])
    screen = Screen()
    from impasto import attention as views
    from impasto.api import load
    from impasto.report.sheets import png

    stylizer = load(method, device=look.device, weights=weights, download=screen.download)
    result = views.attention(content, painting, look.at, how, stylizer=stylizer, baseline=look.baseline)
    title = f"{content.name} looks at {painting.name if painting else 'itself'}"
    file = views.page(result, title) if suffix == ".html" else png(views.draw(result, overall=look.map))
    replace_file(look.output, file)
    screen.written(look.output)
