"""`impasto attention`: where places of a photo look, in a painting or in the photo itself, as a picture or a page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from impasto.cli.flags import DEVICE, VGG19, check_weights, given, method_flags
from impasto.cli.pictures import find_painting
from impasto.cli.terminal import Screen
from impasto.errors import OptionError
from impasto.methods import METHODS, StylizeOptions, options_of

if TYPE_CHECKING:
    OptionFlags = Any
else:
    LOOKING = [name for name in METHODS if options_of(name).looks_in]
    CHANGING = {option for name in LOOKING for option in options_of(name).look_options}
    OptionFlags = method_flags(LOOKING, has=lambda name: name in CHANGING)

_NO_FLAGS = OptionFlags()
SUFFIXES = (".png", ".html")


@dataclass(frozen=True, kw_only=True)
class LookNetwork:
    """What computes it, and where."""

    weights: Annotated[
        Path | None, Parameter(help="of a method whose weights are its style: what its training wrote, or monet")
    ] = None
    vgg19: Annotated[Path | None, VGG19] = None
    baseline: Annotated[Path | None, Parameter(help="generators of another method, whose picture stands beside")] = None
    device: Annotated[str, DEVICE] = "auto"


@dataclass(frozen=True, kw_only=True)
class LookTarget:
    """What is written."""

    output: Annotated[Path, Parameter(alias="-o", help="NAME.png, or NAME.html for a page on which one can point")] = (
        Path("attention.png")
    )
    overwrite: Annotated[bool, Parameter(help="replace a file that exists")] = False

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
        str | None,
        Parameter(alias="-s", help="picture they look in, or one of impasto's own; none for what looks in the content"),
    ] = None,
    at: Annotated[tuple[str, ...], Parameter(help="places of the content, each x,y in pixels or percent")] = (),
    map: Annotated[  # noqa: A002  (the flag's name)
        bool, Parameter(help="also draw where every place looks; a page always has it")
    ] = False,
    options: Annotated[OptionFlags, Parameter(name="*")] = _NO_FLAGS,
    network: Annotated[LookNetwork, Parameter(name="*")] = LookNetwork(),
    target: Annotated[LookTarget, Parameter(name="*")] = LookTarget(),
) -> int:
    """Show where places of a picture look: in a painting, or, with trained generators, in the picture itself."""
    method, chosen = _method_of(given(options))
    usual = {name: value for name, value in options_of(method).look_usual.items() if name not in chosen}
    how = StylizeOptions(method, **usual, **chosen)
    if target.output.suffix.lower() not in SUFFIXES:
        raise OptionError(f"--output is {target.output}, but must be NAME.png or NAME.html")
    weights = check_weights(how, network.weights, network.vgg19)
    painting = None
    if how.looks_in == "style":
        if network.baseline is not None:
            raise OptionError(f"--baseline is not for the method {method}")
        if style is None:
            raise OptionError(f"--style is missing: the painting that the method {method} looks in")
        if not target.is_page and not at and not map:
            raise OptionError("--at names no place; give one, like --at 50%,20%, or --map for all of them")
        painting = find_painting(style).path
    elif style is not None:
        raise OptionError(f"--style is not for {method}, which looks at the photo itself")
    target.check(content, painting, weights, network.baseline)
    screen = Screen()
    # PyTorch comes in here.
    from impasto import attention as views
    from impasto.api import load
    from impasto.files import replace_file
    from impasto.report.sheets import png

    stylizer = load(method, device=network.device, weights=weights, download=screen.download)
    result = views.attention(content, painting, at, how, stylizer=stylizer, baseline=network.baseline)
    title = f"{content.name} looks at {painting.name if painting else 'itself'}"
    file = views.page(result, title) if target.is_page else png(views.draw(result, overall=map))
    replace_file(target.output, file)
    screen.written(target.output)
    return 0


def _method_of(chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The method, by default the first one that looks, and the other choices."""
    looking = [name for name in METHODS if options_of(name).looks_in]
    return chosen.pop("method", looking[0]), chosen
