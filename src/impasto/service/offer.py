"""What a server offers: its styles, its weights, and of the options those that cannot reach a file or the network."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from impasto.errors import OptionError
from impasto.gallery import is_encoded, is_picture, own_styles, shown
from impasto.options import LOOK_OPTIONS, STARTS, TRANSLATIONS, StylizeOptions, kinds_of

# Of the options that may name a file, the words that are offered instead.
WORDS: Mapping[str, tuple[str, ...]] = {"decoder": ("adain", "adain_paper"), "init": STARTS}
# Texts in a notation of their own, which `StylizeOptions` takes apart. Any other text without choices is not offered:
# an option that is added one day has to be let in here.
NOTATIONS = ("style_blend", "content_layers", "style_layers", "attention_layers")
# What `Offer.weights` may hold a file for.
WITH_WEIGHTS = ("vgg19", *TRANSLATIONS)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Everything of the operator's that users can choose from, by name.

    styles: {name: file}; impasto's own if nothing else is said. weights: {"vgg19", or a method whose weights
    are its style: file}; what has no file here is not offered, so that no user starts a download.
    """

    styles: Mapping[str, Path] = field(default_factory=own_styles)
    weights: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, path in self.weights.items():
            if name not in WITH_WEIGHTS:
                raise OptionError(f"weights are given for '{name}', but can be for {', '.join(WITH_WEIGHTS)}")
            if not path.is_file():
                raise OptionError(f"weights of {name}: there is no file {path}")

    def options(self) -> "Iterable[Field[Any]]":
        """The fields of `StylizeOptions` that a user may set."""
        return [item for item in fields(StylizeOptions) if self._is_offered(item)]

    def choices(self, item: "Field[Any]") -> tuple[str, ...]:
        """The words that an option takes here; empty for numbers and notations."""
        words = WORDS.get(item.name) or item.metadata["choices"]
        needs = set(WITH_WEIGHTS) - set(self.weights) if item.name in ("method", "encoder") else set()
        return tuple(word for word in words if word not in needs)

    def chosen(self, given: Mapping[str, Any]) -> StylizeOptions:
        """Options from {name: text, number or None}, as a form or JSON has them; empty text is an option not given.

        Raises OptionError, whose message begins with the option's name, for one that is unknown, not offered or wrong.
        """
        known = {item.name: item for item in self.options()}
        values = {}
        for name, value in given.items():
            if name not in known:
                raise OptionError(_unknown(name, known))
            if value is not None and value != "":
                values[name] = _value(known[name], value)
        options = StylizeOptions(**values)
        self.check(options)
        return options

    def check(self, options: StylizeOptions) -> None:
        """Raises OptionError for a choice that is not offered."""
        known = {item.name: item for item in self.options()}
        for item in fields(options):
            value = getattr(options, item.name)
            if value == item.default:
                continue
            if item.name not in known:
                raise OptionError(f"{item.name} cannot be chosen on this server")
            words = self.choices(item)
            if words and value not in words:
                raise OptionError(f"{item.name} is '{value}', but on this server must be one of {', '.join(words)}")

    def looking(self) -> tuple[str, ...]:
        """The methods whose attention can be shown here."""
        offered = self.choices(StylizeOptions.__dataclass_fields__["method"])
        return tuple(method for method in LOOK_OPTIONS if method in offered)

    @property
    def paintings(self) -> list[str]:
        """Names of the styles that are pictures, and not only encoded."""
        return [name for name, file in self.styles.items() if not is_encoded(file)]

    def check_style(self, name: str, options: StylizeOptions) -> None:
        """Raises OptionError for a style that is not offered, or not in such a way."""
        if is_encoded(self.style(name)):
            options.check_encoded(name)
            options.check_scale(name, 1)

    def picture(self, name: str) -> Path:
        """What a named style is shown by. Raises OptionError."""
        return shown(name, self.style(name))

    def style(self, name: str) -> Path:
        """The file of a named style. The name is looked up, and never part of a path. Raises OptionError."""
        if name not in self.styles:
            near = get_close_matches(name, self.styles, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise OptionError(f"style '{name[:80]}' is not on this server{hint}")
        return self.styles[name]

    def schema(self) -> dict[str, dict[str, Any]]:
        """{option: JSON Schema}, with `methods`, the only ones that have it, and `unit`, where there are such."""
        return {item.name: self._schema(item) for item in self.options()}

    def _schema(self, item: "Field[Any]") -> dict[str, Any]:
        limits, kind = item.metadata, kinds_of(item)[0]
        schema = {
            "type": "integer" if kind == (int,) else "number" if float in kind else "string",
            "description": limits["help"],
            "enum": list(self.choices(item)),
            "minimum": limits["minimum"],
            "maximum": limits["maximum"],
            "default": item.default,
            "unit": limits["unit"],
            "methods": list(limits["methods"]),
        }
        return {key: value for key, value in schema.items() if value not in (None, "", [])}

    def _is_offered(self, item: "Field[Any]") -> bool:
        is_text = str in kinds_of(item)[0]
        return not is_text or bool(self.choices(item)) or item.name in NOTATIONS


def styles_in(folder: Path) -> dict[str, Path]:
    """{name: file} of an operator's folder of paintings; those of one name keep their suffixes.

    Raises OptionError if it holds none.
    """
    # Pillow is not needed to explain wrong usage.
    from impasto.files import in_unicode

    if not folder.is_dir():
        raise OptionError(f"{folder}: there is no such folder of styles")
    paths = sorted(path for path in folder.iterdir() if is_picture(path))
    names = Counter(path.stem for path in paths)
    styles = {in_unicode(path.stem if names[path.stem] == 1 else path.name): path.resolve() for path in paths}
    if not styles:
        raise OptionError(f"{folder}: this folder holds no pictures to be styles")
    return styles


def _value(item: "Field[Any]", value: Any) -> Any:
    """Text as what the option is made of; what is no text is checked by `StylizeOptions`."""
    kind, expected = kinds_of(item)
    if not isinstance(value, str) or str in kind:
        return value
    try:
        return int(value) if kind == (int,) else float(value)
    except ValueError:
        raise OptionError(f"{item.name} is '{value[:80]}', but must be {expected}") from None


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    if name in {item.name for item in fields(StylizeOptions)}:
        return f"{name} cannot be chosen on this server"
    near = get_close_matches(name, known, n=1)
    return f"no option '{name[:80]}'" + (f"; did you mean '{near[0]}'?" if near else "")
