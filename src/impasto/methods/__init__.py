"""The ways of painting. `METHODS` is the whole list; adding one is its folder, and one line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, replace
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Protocol

from impasto.device import Device, needed_torch
from impasto.errors import Cancelled, OptionError, suggestion
from impasto.gallery import shipped_weights
from impasto.options import Options, choosable
from impasto.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from impasto.engine.styles import Style

METHODS = {
    "adain": "impasto.methods.adain.options:AdaINOptions",
    "gatys": "impasto.methods.gatys.options:GatysOptions",
    "cyclegan": "impasto.methods.cyclegan.options:CycleGANOptions",
    "nla-cyclegan": "impasto.methods.nla_cyclegan.options:NLACycleGANOptions",
    "dncnn-cyclegan": "impasto.methods.dncnn_cyclegan.options:DnCNNCycleGANOptions",
    "munit": "impasto.methods.munit.options:MUNITOptions",
    "aggan": "impasto.methods.aggan.options:AgGANOptions",
    "semantic-gan": "impasto.methods.semantic_gan.options:SemanticGANOptions",
}
"""{name: its options, which say what it can do and what paints by them}."""

DEFAULT = "adain"

REFINER = "gatys"
"""The method that goes on from what another one painted."""


class Stylizer(Protocol):
    """A method that is ready to paint any number of pictures, which are tensors, or arrays if it `takes_arrays`.

    One that paints a film more steadily than its frames alone has `paint_frame` besides, as `adain`.
    """

    method: str
    device: Any
    weights: Path | None

    def __call__(
        self,
        content: Any,
        styles: Sequence[Any],
        options: Any,
        *,
        start: Any = None,
        masks: Sequence[Any] | None = None,
        progress: ProgressCallback | None = None,
        saving: Any = None,
    ) -> Any:
        """(1, 3, H, W) in [0, 1] and styles (1, 3, h, w) -> (1, 3, H, W) in [0, 1], on the CPU.

        content, styles: with a fourth channel, opacity, what is transparent counts for nothing; its colours are those
            around it. A method that batches takes any number of contents.
        styles: of a method that takes encoded ones also those; none for a method whose weights are its style.
        options: of the method's own class.
        start: the picture to start from, instead of what the options say.
        masks: one (1, 1, H, W) in [0, 1] per style, how much of each position belongs to it; their sum is at most 1,
            and where it is less the rest belongs to no style. Without them every style is everywhere.
        saving: of a method that takes steps, a `Saving`: where its state is kept.
        """

    def bytes_per_pixel(self, options: Any, *, regions: int = 0) -> float:
        """Memory of one pixel of the picture at the peak of painting. regions: of a painting with masks; 0 without."""

    def weights_hashes(self, options: Any) -> dict[str, str]:
        """{network: sha256 of its weights} of what these options use."""


@dataclass(frozen=True)
class Saving:
    """Where to keep the state of an unfinished painting, and after how many steps to write it again."""

    path: Path
    every: int = 50


def load_encoded(file: Path, name: str, options: Options) -> "Style":
    """An encoded style. name: which one, of a file that holds several. Raises OptionError, WeightsError."""
    if options.needs_pictures:
        options.check_encoded(name, 1)
    style: Style = resolve_name(options.encoded)(file, name)
    return style


@dataclass(frozen=True)
class TemporalTarget:
    """What a frame of a film should stay. picture: the last painted one, moved as the film moved, (1, 3, H, W).
    weights: how much each place should, (1, 1, H, W) in [0, 1]."""

    picture: "Tensor"
    weights: "Tensor"


def load_method(
    name: str,
    device: Device,
    *,
    weights: Path | None = None,
    download: Callable[[int, int], None] | None = None,
) -> Stylizer:
    """Raises OptionError for an unknown name."""
    kind = options_of(name)
    place: Any = device
    if kind.needs_torch:
        place = needed_torch(f"the method {name}").device(str(device))
    stylizer: Stylizer = resolve_name(kind.stylizer)(place, weights=weights, download=download)
    return stylizer


def painted_by(  # noqa: PLR0913  (as a call)
    stylizer: Stylizer,
    content: "NDArray[np.float32]",
    styles: Sequence[Any],
    options: Options,
    *,
    start: "NDArray[np.float32] | None" = None,
    masks: "Sequence[NDArray[np.float32]] | None" = None,
    progress: ProgressCallback | None = None,
    saving: Any = None,
    held: TemporalTarget | None = None,
) -> "NDArray[np.float32]":
    """What the stylizer paints, as arrays whatever it takes; its reports and `best` of Cancelled as well.

    held: of a method that takes steps.
    """
    how: Any = {"start": start, "masks": masks, "progress": progress, "saving": saving}
    if getattr(stylizer, "takes_arrays", False):
        return stylizer(content, styles, options, **how)  # type: ignore[no-any-return]
    import torch

    def there(given: Any) -> Any:
        if isinstance(given, list | tuple):
            return [there(one) for one in given]
        return None if given is None else torch.from_numpy(given)

    def back(picture: Any) -> Any:
        return picture.numpy() if isinstance(picture, torch.Tensor) else picture

    def report(reported: Progress) -> None:
        preview = reported.preview
        assert progress is not None
        progress(reported if preview is None else replace(reported, preview=lambda: back(preview())))

    how |= {"start": there(start), "masks": there(masks), "progress": report if progress else None}
    if held is not None:
        how["held"] = held
    try:
        return back(stylizer(there(content), there(styles), options, **how))  # type: ignore[no-any-return]
    except Cancelled as stopped:
        stopped.best = back(stopped.best)
        raise


def StylizeOptions(method: str = DEFAULT, **choices: Any) -> Options:  # noqa: N802  (to callers it is a class)
    """The options of a method, by their names, its refinement's among them.

    Raises OptionError for a value that is wrong, and for an option that there is not, or that would do nothing.
    """
    kind = options_of(method)
    names, refining = {item.name for item in choosable(kind)}, _refining(kind)
    options = kind(**{name: value for name, value in choices.items() if name in names})
    chosen = {}
    for name, value in choices.items():
        if name in refining and name not in names and options.refinement_steps:
            chosen[name] = value
        elif name not in names:
            _refuse(name, value, options)
    usual, refiner = options_of(REFINER)(), options_of(REFINER)(**chosen)
    return options if refiner == usual else replace(options, refiner=refiner)  # type: ignore[call-arg]


def combined(options: Options | None, choices: Mapping[str, Any], *, method: str | None = None) -> Options:
    """The options with the choices, by name. method: what counts if nothing else was said. Raises OptionError."""
    if options is None:
        return StylizeOptions(**({"method": method} if method else {}) | dict(choices))
    if not isinstance(options, Options):
        raise OptionError(f"options are impasto.StylizeOptions(...), not {type(options).__name__}")
    return StylizeOptions(**options.to_json() | dict(choices)) if choices else options


def refinement(options: Options) -> Options | None:
    """How `REFINER` goes on from what was painted by these options; None where it does not."""
    if not options.refinement_steps:
        return None
    return options_of(REFINER).refining(options)  # type: ignore[attr-defined, no-any-return]


def options_of(method: Any) -> type[Options]:
    """The class of a method's options. Raises OptionError for an unknown name."""
    if not isinstance(method, str) or method not in METHODS:
        hint = suggestion(method, METHODS)
        raise OptionError(f"method is {method!r}, but must be one of {', '.join(METHODS)}{hint}")
    options: type[Options] = resolve_name(METHODS[method])
    return options


def fields_of(method: str) -> dict[str, "Field[Any]"]:
    """{option: field} of everything that can be chosen with a method: its own, those that most people want first, and
    then of its refinement."""
    kind = options_of(method)
    own = {item.name: item for item in sorted(choosable(kind), key=lambda item: not item.metadata["plain"])}
    return own | {name: item for name, item in _refining(kind).items() if name not in own}


def every_field() -> dict[str, dict[str, "Field[Any]"]]:
    """{option: {method that has it: its field there}} of all methods."""
    by_name: dict[str, dict[str, Field[Any]]] = {}
    for method in METHODS:
        for item in choosable(options_of(method)):
            by_name.setdefault(item.name, {})[method] = item
    return by_name


def shipped() -> dict[str, Path]:
    """{name of weights: file} of those that come with impasto and that a method cannot do without."""
    kinds = [options_of(method) for method in METHODS]
    return {kind.weights_name: shipped_weights(kind.shipped[0]) for kind in kinds if kind.shipped}


def _refining(kind: type[Options]) -> dict[str, "Field[Any]"]:
    """{option: field} of the refiner's that can be chosen for the refinement of such a method."""
    if not kind.refined_by:
        return {}
    refiner = options_of(REFINER)
    return {item.name: item for item in choosable(refiner) if item.name not in refiner.set_by_refining}


def _refuse(name: str, value: Any, options: Options) -> None:
    """Raises OptionError for an option that would do nothing beside these, unless it is as usual."""
    owners, method = every_field().get(name, {}), options.method
    if not owners:
        hint = suggestion(name, fields_of(method), otherwise=suggestion(name, every_field()))
        raise OptionError(f"no option '{name}'{hint}")
    if value in [item.default for item in owners.values()]:
        return
    if options.refinement_steps and REFINER in owners:
        raise OptionError(f"{name} cannot be chosen when refining, which starts from what {method} painted")
    refines = f" and for {' or '.join(options.refined_by)}" if name in _refining(type(options)) else ""
    plural = "s" if len(owners) > 1 else ""
    raise OptionError(f"{name} is for the method{plural} {', '.join(owners)}{refines}, but the method is {method}")
