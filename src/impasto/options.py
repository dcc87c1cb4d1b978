"""What a caller can choose: what an option is, and the options and abilities that methods share.

A method's own options stand beside it, in `methods/NAME/options.py`. The command line, the library and every other door
read each default, range and help text from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar

from impasto.errors import OptionError, suggestion

PRECISIONS = ("auto", "fp32", "bf16")

LOOK_SIZE = 512
"""Longer side of the pictures whose attention is shown, unless something else is asked for: enough to see, and quick at
every layer."""


def option(  # noqa: PLR0913  (a word for each thing that a door shows)
    default: Any,
    help: str,  # noqa: A002  (the word that dataclass metadata and every door use)
    *,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    plain: bool = False,
    values: Sequence[Any] = (),
    words: Sequence[str] | None = None,
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """A field of an options dataclass with everything that a door shows of it.

    plain: what most people want to choose, shown before the rest. values: some that buttons set. words: of a text
    without choices, what of it names no file; empty if none ever does. A door that strangers use has no other texts.
    aliases: {earlier name: name} of choices.
    """
    metadata = {
        "help": help, "choices": tuple(choices), "minimum": minimum, "maximum": maximum, "unit": unit, "plain": plain,
        "values": tuple(values), "words": words, "aliases": aliases,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Options of anything. Every value is checked when they are made; OptionError names the one that is wrong."""

    def __post_init__(self) -> None:
        for item in choosable(self):
            value = as_python(getattr(self, item.name))
            if isinstance(value, str):
                value = item.metadata["aliases"].get(value, value)
            # Also what a record holds, which is JSON.
            object.__setattr__(self, item.name, value)
            check(item, value)


@dataclass(frozen=True, kw_only=True)
class Options(Checked):
    """How to paint, as far as every method has it. A method's own class adds its options, and says what it can do."""

    method: str = field(default="", init=False)
    """Its name in `methods.METHODS`."""

    size: int | None = option(
        None, "longer side of the result; the input's own size if not given", minimum=1, unit="px", plain=True
    )
    colour: str = option(
        "style",
        "whose colours: the style's; keep: the content's, only its lightness is painted",
        choices=("style", "keep"),
        plain=True,
        values=("style", "keep"),
    )
    precision: str = option(
        "auto", "number format inside the network; auto is bf16 where the device is faster with it", choices=PRECISIONS
    )

    # What a method is and can do. A method's own class says where it differs.
    title: ClassVar[str] = ""
    """What the method is called above a picture."""
    about: ClassVar[str] = ""
    """The method in a few words."""
    stylizer: ClassVar[str] = ""
    """module:class that paints by these options, imported when there is work."""
    needs_torch: ClassVar[bool] = True
    """Whether it is computed by PyTorch alone."""
    without_torch: ClassVar[Mapping[str, Sequence[Any]]] = MappingProxyType({})
    """{option: all values that it can have where PyTorch is missing}, of a method that does not need it for others."""
    takes_styles: ClassVar[bool] = False
    """Whether it is shown paintings; to another, its weights are the style."""
    needs_style: ClassVar[bool] = False
    """Whether it paints nothing without one."""
    blends: ClassVar[bool] = False
    """Whether it takes several styles at once."""
    takes_masks: ClassVar[bool] = False
    """Whether each style can have a place of its own."""
    encoded: ClassVar[str] = ""
    """module:function that reads the file of an encoded style; of a method whose stylizer has `encode`, and paints from
    what that gives as well as from paintings."""
    foreign: ClassVar[str] = ""
    """module:function that converts weights of other programs to its own: (file, file to write, layout) -> what that
    was."""
    encoded_by: ClassVar[Sequence[str]] = ()
    """Options that change what `encode` gives."""
    weights_name: ClassVar[str] = ""
    """What the file of weights is called that can be given to it: an encoder, or the method itself."""
    needs_weights: ClassVar[bool] = False
    """Whether such a file must be given."""
    shipped: ClassVar[Sequence[str]] = ()
    """Names of such files that come with impasto, among `weights.WEIGHTS`."""
    recipes: ClassVar[Sequence[str]] = ()
    """Its training runs: functions of these names in the module `recipes` beside its options."""
    recipe_aliases: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """{what a paper, or an earlier version, calls a recipe: its name}."""
    refined_by: ClassVar[Sequence[str]] = ()
    """Options of its own that ask for steps of `methods.REFINER` after it; none if it cannot be refined."""
    set_by_refining: ClassVar[Sequence[str]] = ()
    """Options that it cannot be given where it refines what another method painted."""
    looks_in: ClassVar[str] = ""
    """What its attention, which can be shown, looks in: the style, and its stylizer has `compare`; or the content;
    nothing if it has none to show."""
    look_options: ClassVar[Sequence[str]] = ()
    """Its options that change where attention looks."""
    look_usual: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """{option: value} by which its attention is shown on request, where others than for painting are of use."""

    def to_json(self) -> dict[str, Any]:
        """{name: value} that `methods.StylizeOptions` takes, with the method's name."""
        return {"method": self.method} | {item.name: getattr(self, item.name) for item in choosable(self)}

    @property
    def seed(self) -> int:
        """Of what is drawn at random, where a method draws anything."""
        return 0

    @property
    def refiner(self) -> "Options | None":
        """What was chosen for its refinement, if it is not as usual."""
        return None

    @property
    def refinement_steps(self) -> int:
        """Steps of `methods.REFINER` that go on from what was painted."""
        return 0

    @property
    def refinement_choice(self) -> str:
        """The choice that asks for it, such as 'refine 20'; empty if none does."""
        return ""

    @property
    def takes_steps(self) -> bool:
        """Whether a picture is approached in steps, after each of which there is one that can be kept."""
        return bool(self.refinement_steps)

    @property
    def steps_at_full_size(self) -> float:
        """How much work a picture is: steps, a smaller one counted by its share of the pixels; 0 for one pass."""
        return float(self.refinement_steps)

    @property
    def in_parts(self) -> bool:
        """Whether a large picture is painted part by part, without being in memory."""
        return False

    @property
    def batches(self) -> bool:
        """Whether contents of one size can be painted at once: nothing but their own features may count."""
        return False

    @property
    def needs_pictures(self) -> str:
        """What needs the paintings themselves, not only what was encoded of them; empty if nothing does."""
        if self.colour == "match":
            return "colour match"
        return self.refinement_choice if self.encoded else f"the method {self.method}"

    @property
    def files(self) -> dict[str, str]:
        """{option: file} of those that name one, which is read and never overwritten."""
        named = {item: getattr(self, item.name) for item in choosable(self) if item.metadata["words"]}
        return {item.name: value for item, value in named.items() if value not in (None, *item.metadata["words"])}

    @property
    def start(self) -> str | None:
        """File of the picture that painting starts from, if there is one."""
        return None

    def resolved(self) -> "Options":
        """The same with everything filled in that is not given."""
        return self

    def by_preset(self) -> dict[str, Any]:
        """{option: value} of what a preset decides."""
        return {}

    def blend_weights(self, count: int) -> tuple[float, ...]:
        """Weights of `count` styles, summing to 1. Raises OptionError if others were given."""
        return tuple(1 / count for _ in range(count))

    def check_styles(self, count: int, *, masks: int = 0) -> None:
        """Raises OptionError unless so many styles, and masks if any, make sense with this method."""
        if masks and not self.takes_masks:
            raise OptionError(f"masks say where styles go, but the method {self.method} {self._takes()}")
        if not count and self.needs_style:
            raise OptionError("at least one style is needed")
        if count and not self.takes_styles:
            raise OptionError(f"style cannot be given: the weights of the method {self.method} are its style")
        if count > 1 and not self.blends:
            raise OptionError(f"styles are {count}, but the method {self.method} takes one")
        if count and not masks:
            self.blend_weights(count)

    def _takes(self) -> str:
        return "gives one to all of the picture" if self.takes_styles else "is shown none"

    def check_encoded(self, name: str, scale: float) -> None:
        """Raises OptionError for what needs more of a painting than the encoded style of this name.

        scale: the style_scale that it was encoded at.
        """
        if needs := self.needs_pictures:
            there = f"of which the style '{name}' keeps only statistics"
            raise OptionError(f"{needs} needs the painting itself, {there}; give a picture of it")

    def check_look(self) -> None:
        """Raises OptionError if no single picture of attention can be shown by these options."""


@dataclass(frozen=True, kw_only=True)
class StyleOptions(Options):
    """Of methods that paint in the styles of any paintings."""

    takes_styles: ClassVar[bool] = True
    needs_style: ClassVar[bool] = True
    blends: ClassVar[bool] = True
    takes_masks: ClassVar[bool] = True

    colour: str = option(
        "style",
        "whose colours: the style's; keep: the content's, only its lightness is painted; match: the style's strokes"
        " after its colours were made the content's",
        choices=("style", "keep", "match"),
        plain=True,
        values=("style", "keep", "match"),
    )
    style_blend: str = option(
        "", "weights of several styles, separated by commas; equal if not given", plain=True, words=()
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._weights()

    def blend_weights(self, count: int) -> tuple[float, ...]:
        weights = self._weights() or (1.0,) * count
        if len(weights) != count:
            raise OptionError(f"style_blend has {len(weights)} weights for {count} styles")
        return tuple(weight / sum(weights) for weight in weights)

    def check_styles(self, count: int, *, masks: int = 0) -> None:
        super().check_styles(count, masks=masks)
        if masks and self.style_blend:
            raise OptionError("style_blend mixes styles everywhere, but masks give each style its own place")

    def _weights(self) -> tuple[float, ...]:
        if not self.style_blend.strip():
            return ()
        try:
            weights = tuple(float(text) for text in self.style_blend.split(","))
        except ValueError:
            raise OptionError(f"style_blend is '{self.style_blend}', but must be numbers like 0.7,0.3") from None
        if not all(0 <= weight < float("inf") for weight in weights) or sum(weights) <= 0:
            raise OptionError(f"style_blend is '{self.style_blend}', but its weights must be 0 or more and not all 0")
        return weights


@dataclass(frozen=True, kw_only=True)
class EncoderOptions(StyleOptions):
    """Of methods that see content and styles through a network that they did not train."""

    weights_name: ClassVar[str] = "vgg19"

    encoder: str = option("lite", "network that sees content and style", choices=("lite", "vgg19"))
    style_scale: float = option(
        1.0,
        "size of the brush strokes: the style picture's scale",
        minimum=0.05,
        maximum=10,
        plain=True,
        values=(0.5, 1.0, 2.0),
    )

    def check_encoded(self, name: str, scale: float) -> None:
        super().check_encoded(name, scale)
        self.check_scale(name, scale)

    def check_scale(self, name: str, scale: float) -> None:
        """Raises OptionError if a style that was encoded at a style_scale is asked for at another one."""
        if self.style_scale not in (EncoderOptions.style_scale, scale):
            raise OptionError(
                f"style_scale is {self.style_scale:g}, but the style '{name}' was encoded at {scale:g}; another scale"
                " needs the painting itself"
            )


@dataclass(frozen=True, kw_only=True)
class TranslationOptions(Options):
    """Of methods whose generators make one kind of pictures, A, into another one, B."""

    needs_weights: ClassVar[bool] = True

    direction: str = option(
        "A2B", "which of the two kinds of pictures becomes the other", choices=("A2B", "B2A"), plain=True
    )


def choosable(options: Any) -> list["Field[Any]"]:
    """The fields of an options dataclass, or of an instance, that `option` made."""
    return [item for item in fields(options) if "help" in item.metadata]


def as_python(value: Any) -> Any:
    """A number of NumPy or PyTorch, also an array of one without a shape, as Python's own; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () else value


def check(item: "Field[Any]", value: Any) -> None:
    """Raises OptionError, which names the field, if the value is not of its kind or outside its range."""
    if value is None:
        if item.default is None:
            return
        raise OptionError(f"{item.name} must have a value")
    kinds, expected = kinds_of(item)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise OptionError(f"{item.name} is {value!r}, but must be {expected}")
    limits = item.metadata
    if limits["choices"] and value not in limits["choices"]:
        hint = suggestion(value, limits["choices"])
        raise OptionError(f"{item.name} is '{value}', but must be one of {', '.join(limits['choices'])}{hint}")
    if isinstance(value, int | float) and not _is_within(value, limits):
        raise OptionError(f"{item.name} is {value}, but must be {described_range(limits) or 'a finite number'}")


def _is_within(value: float, limits: Mapping[str, Any]) -> bool:
    low, high = limits["minimum"], limits["maximum"]
    return (low is None or low <= value) and (high is None or value <= high) and abs(value) < float("inf")


def described_range(limits: Mapping[str, Any]) -> str:
    """'1 or more', 'from 0 to 1,000', or nothing for an option without a range."""
    low, high = (limit if limit is None else f"{limit:,}" for limit in (limits["minimum"], limits["maximum"]))
    if low is None:
        return "" if high is None else f"{high} or less"
    return f"{low} or more" if high is None else f"from {low} to {high}"


def kinds_of(item: "Field[Any]") -> tuple[tuple[type, ...], str]:
    """Python types that a field takes, and what they are called."""
    annotation = str(item.type)
    if "float" in annotation:
        return (int, float), "a number"
    return ((int,), "a whole number") if "int" in annotation else ((str,), "text")
