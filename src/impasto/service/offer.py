"""What a server offers: its styles, its weights, and of the options those that cannot reach a file or the network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any

from impasto.device import has_torch
from impasto.errors import OptionError, suggestion
from impasto.files import in_unicode
from impasto.gallery import is_encoded, is_picture, own_styles, shown, style_suggestion
from impasto.methods import DEFAULT, METHODS, StylizeOptions, every_field, fields_of, options_of
from impasto.options import Options, choosable, kinds_of
from impasto.service.refusals import RefusedError
from impasto.video.options import VideoOptions


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Everything of the operator's that users can choose from, by name.

    styles: {name: file}; impasto's own if nothing else is said. weights: {"vgg19", or a method whose weights
    are its style: file}; what has no file here is not offered, so that no user starts a download. torch: whether
    PyTorch is there; what needs it is not offered without it.
    """

    styles: Mapping[str, Path] = field(default_factory=own_styles)
    weights: Mapping[str, Path] = field(default_factory=dict)
    torch: bool = field(default_factory=has_torch)

    def __post_init__(self) -> None:
        known = self._weights_names()
        for name, path in self.weights.items():
            if name not in known:
                raise OptionError(f"weights are given for '{name}', but can be for {', '.join(known)}")
            if not path.is_file():
                raise OptionError(f"weights of {name}: there is no file {path}")

    @property
    def methods(self) -> dict[str, type[Options]]:
        """{method: class of its options} of those that can paint here."""
        return {name: kind for name, kind in self._with_weights().items() if self.torch or not kind.needs_torch}

    @property
    def lacking_torch(self) -> tuple[str, ...]:
        """What would be offered if PyTorch were there, in words."""
        names = tuple(name for name in self._with_weights() if name not in self.methods)
        return () if self.torch else (*names, "refinement", "attention")

    def check_looks(self) -> None:
        """Raises RefusedError "no-torch" where no attention can be shown."""
        if not self.looking():
            raise _no_torch("attention is asked for")

    @property
    def default(self) -> str:
        return DEFAULT if DEFAULT in self.methods else next(iter(self.methods))

    def looking(self) -> tuple[str, ...]:
        """The methods whose attention can be shown here, the usual one first."""
        return tuple(name for name, kind in self.methods.items() if kind.looks_in)

    def options(self, method: str) -> dict[str, "Field[Any]"]:
        """{option: field} of those that a user may set, those that most people want first."""
        kind, without = options_of(method), self._without_torch(method)
        own = {item.name for item in choosable(kind)}
        return {
            name: item
            for name, item in fields_of(method).items()
            # A number of one value is no choice, and what refines needs PyTorch.
            if self._is_offered(item)
            and (self.torch or (name in own and (name not in without or self.choices(item, method))))
        }

    def choices(self, item: "Field[Any]", method: str = "") -> tuple[str, ...]:
        """The words that an option takes here, with a method; empty for numbers and notations."""
        words = item.metadata["words"] or item.metadata["choices"]
        lacking = {*self._weights_names()} - set(self.weights)
        known = self._without_torch(method).get(item.name, words)
        return tuple(word for word in words if word not in lacking and word in known)

    def chosen(self, given: Mapping[str, Any]) -> Options:
        """Options from {name: text, number or None}, as a form or JSON has them; empty text is an option not given.

        Raises OptionError, whose message begins with the option's name, for one that is unknown, not offered or wrong,
        and RefusedError "no-torch" for what needs PyTorch.
        """
        said = _said(given)
        method = said.pop("method", self.default)
        self._check_method(method)
        known, others = self.options(method), every_field()
        for name in said:
            if name not in others:
                raise OptionError(f"no option '{name[:80]}'{suggestion(name, known)}")
        kinds = {name: known.get(name, next(iter(others[name].values()))) for name in said}
        options = StylizeOptions(method, **{name: _value(kinds[name], value) for name, value in said.items()})
        self.check(options)
        return options

    def chosen_video(self, given: Mapping[str, Any]) -> VideoOptions:
        """As `chosen`, what is about a film. Raises OptionError."""
        known = self.video_options()
        return VideoOptions(**{name: _value(known[name], value) for name, value in _said(given).items()})

    def video_options(self) -> dict[str, "Field[Any]"]:
        """{option: field} of those about a film that a user may set. The format decides the codec."""
        return {item.name: item for item in choosable(VideoOptions) if item.name != "codec"}

    def video_schema(self) -> dict[str, dict[str, Any]]:
        """{option: JSON Schema} of what is about a film."""
        return {name: self._schema(item) for name, item in self.video_options().items()}

    def check(self, options: Options) -> None:
        """Raises OptionError for a choice that is not offered, RefusedError "no-torch" for one that needs
        PyTorch."""
        self._check_method(options.method)
        for name, values in self._without_torch(options.method).items():
            if (value := getattr(options, name)) not in values:
                raise _no_torch(f"{name} is {value!r}")
        for chosen in (options, options.refiner):
            for item in choosable(chosen) if chosen else ():
                value, words = getattr(chosen, item.name), self.choices(item)
                if value == item.default:
                    continue
                if not self._is_offered(item):
                    raise OptionError(f"{item.name} cannot be chosen on this server")
                if words and value not in words:
                    raise OptionError(f"{item.name} is '{value}', but on this server must be one of {', '.join(words)}")

    @property
    def paintings(self) -> list[str]:
        """Names of the styles that are pictures, and not only encoded."""
        return [name for name, file in self.styles.items() if not is_encoded(file)]

    def check_style(self, name: str, options: Options) -> None:
        """Raises OptionError for a style that is not offered, or not in such a way."""
        if is_encoded(self.style(name)):
            options.check_encoded(name, 1)

    def picture(self, name: str) -> Path:
        """What a named style is shown by. Raises OptionError."""
        return shown(name, self.style(name))

    def style(self, name: str) -> Path:
        """The file of a named style. The name is looked up, and never part of a path. Raises OptionError."""
        if name not in self.styles:
            others = "; GET /v1/styles lists them, and a file goes as style=@FILE"
            hint = style_suggestion(name, self.styles, otherwise=others)
            raise OptionError(f"style '{name[:80]}' is not on this server{hint}")
        return self.styles[name]

    def schema(self, method: str) -> dict[str, dict[str, Any]]:
        """{option: JSON Schema} of a method, those that most people want first. Beside what JSON Schema has, `unit`;
        `plain` for what most people want; `refining` for what has an effect only where refinement follows."""
        names = {item.name for item in choosable(options_of(method))}
        return {
            name: self._schema(item, method) | ({} if name in names else {"refining": True})
            for name, item in self.options(method).items()
        }

    def every_schema(self) -> dict[str, dict[str, Any]]:
        """{option: JSON Schema} of all methods together, with `methods`, the only ones that have it, where not all do.

        Where methods differ, it says what the first one does, and all choices."""
        schemas: dict[str, dict[str, Any]] = {
            "method": {
                "type": "string", "description": "how the picture is painted", "enum": list(self.methods),
                "default": self.default, "plain": True,
            }
        }  # fmt: skip
        for method in self.methods:
            for name, described in self.schema(method).items():
                schema = schemas.setdefault(name, {key: value for key, value in described.items() if key != "refining"})
                schema.setdefault("methods", []).append(method)
                if "enum" in described:
                    schema["enum"] = list(dict.fromkeys([*schema["enum"], *described["enum"]]))
        for schema in schemas.values():
            if schema.get("methods") == list(self.methods):
                del schema["methods"]
        return schemas

    def _schema(self, item: "Field[Any]", method: str = "") -> dict[str, Any]:
        limits, kind = item.metadata, kinds_of(item)[0]
        schema = {
            "type": "integer" if kind == (int,) else "number" if float in kind else "string",
            "description": limits["help"],
            "enum": list(self.choices(item, method)),
            "minimum": limits["minimum"],
            "maximum": limits["maximum"],
            "default": item.default,
            "unit": limits["unit"],
            "plain": limits["plain"] or None,
        }
        return {key: value for key, value in schema.items() if value not in (None, "", [])}

    def _is_offered(self, item: "Field[Any]") -> bool:
        """Not a text that might name a file: an option that is added one day has to say that it does not."""
        return str not in kinds_of(item)[0] or bool(self.choices(item)) or item.metadata["words"] is not None

    def _check_method(self, method: Any) -> None:
        if isinstance(method, str) and method in self.methods:
            return
        if isinstance(method, str) and method in self._with_weights():
            raise _no_torch(f"method is '{method}'")
        others = ", ".join(self.methods)
        raise OptionError(f"method is '{str(method)[:80]}', but on this server must be one of {others}")

    def _with_weights(self) -> dict[str, type[Options]]:
        """{method: class of its options} of those whose weights are here, if they need any."""
        kinds = {name: options_of(name) for name in METHODS}
        return {
            name: kind for name, kind in kinds.items() if not kind.needs_weights or kind.weights_name in self.weights
        }

    def _without_torch(self, method: str) -> Mapping[str, Sequence[Any]]:
        """{option: the values that are left} of a method."""
        return {} if self.torch or method not in METHODS else options_of(method).without_torch

    def _weights_names(self) -> list[str]:
        kinds = [options_of(name) for name in METHODS]
        return list(dict.fromkeys(kind.weights_name for kind in kinds if kind.weights_name))


def styles_in(folder: Path) -> dict[str, Path]:
    """{name: file} of an operator's folder of paintings; those of one name keep their suffixes.

    Raises OptionError if it holds none.
    """
    if not folder.is_dir():
        raise OptionError(f"{folder}: there is no such folder of styles")
    paths = sorted(path for path in folder.iterdir() if is_picture(path))
    names = Counter(path.stem for path in paths)
    styles = {in_unicode(path.stem if names[path.stem] == 1 else path.name): path.resolve() for path in paths}
    if not styles:
        raise OptionError(f"{folder}: this folder holds no pictures to be styles")
    return styles


def _no_torch(what: str) -> RefusedError:
    """what: that needs PyTorch, as the beginning of the sentence."""
    return RefusedError("no-torch", f"{what}, but this server cannot do that: it lacks the extra 'torch'")


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None and value != ""}


def _value(item: "Field[Any]", value: Any) -> Any:
    """Text as what the option is made of; what is no text is checked by the options."""
    kind, expected = kinds_of(item)
    if not isinstance(value, str) or str in kind:
        return value
    try:
        return int(value) if kind == (int,) else float(value)
    except ValueError:
        raise OptionError(f"{item.name} is '{value[:80]}', but must be {expected}") from None
