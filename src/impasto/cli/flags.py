"""Command-line flags made from options dataclasses, so that every default, range and help text is written once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import Field, dataclass, field, make_dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from cyclopts import Group, Parameter

from impasto.errors import DataError, OptionError
from impasto.methods import DEFAULT, METHODS, REFINER, every_field, options_of
from impasto.options import Options, choosable, described_range, kinds_of

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from rich.console import Console, ConsoleOptions

SHOW_ALL = ContextVar("SHOW_ALL", default=False)
"""Whether help shows more than what most people want."""

WORDS: ContextVar[Sequence[str]] = ContextVar("WORDS", default=())
"""The command line, with its command."""

UNSPOKEN = 2**53
"""A limit that nobody comes near, and that help does not mention."""

ALIASES: Mapping[str, str] = {"colour": "--color"}


def shown_default(value: Any) -> str | None:
    """How help shows a default: nothing for what is empty, off, or not given."""
    if isinstance(value, bool) or value is None or value in ("", (), []):
        return None
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


EVERY_PARAMETER = Parameter(negative="", consume_multiple=True, show_env_var=False, show_default=shown_default)
"""How the flags of every command are; those that take several values take all that follow."""

Device = Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1, mps")]
Overwrite = Annotated[bool, Parameter(help="replace a file that exists")]
PixelLimit = Annotated[
    int | None, Parameter(metavar="N", help="refuse larger pictures; 178,956,970 pixels if not given")
]
Quiet = Annotated[bool, Parameter(alias="-q", help="print errors only")]
Vgg19 = Annotated[
    Path | None, Parameter(name="--vgg19", help="file of the encoder vgg19; downloaded once if not given")
]


def flag(help: str, default: Any = None, **how: Any) -> Any:  # noqa: A002  (the word that cyclopts uses)
    """A field of `Flags`. how: what else a Parameter of cyclopts says of it, such as alias, metavar or group."""
    return field(default=default, metadata={"parameter": Parameter(help=help, **how)})


class Flags:
    """Flags that commands take together, by their fields: dataclasses derive from it. group: their heading in help."""

    def __init_subclass__(cls, *, group: Group | None = None) -> None:
        Parameter(name="*")(cls)
        if group is not None:
            Parameter(group=group)(cls)
        for name, item in vars(cls).items():
            if isinstance(item, Field):
                cls.__annotations__[name] = Annotated[cls.__annotations__[name], item.metadata["parameter"]]


@dataclass(frozen=True, kw_only=True)
class OfferedModels(Flags):
    """What people can choose from, and what paints for them."""

    styles: Path | None = flag("folder of paintings to choose from; impasto's own pictures if not given")
    device: tuple[str, ...] = flag("auto, cpu, cuda, cuda:1, mps; a process for each", ("auto",))
    confine: bool = flag(
        "keep what paints on a CPU from the network and from files, where the system can; --no-confine: do not", True
    )


def heading(title: str, *, plain: Sequence[str]) -> Group:
    """A heading of `--help`. plain: the only flags below it that are shown without `--help-all`."""
    return Group.create_ordered(title, help_formatter=partial(_print_plain, plain))


def _print_plain(plain: Sequence[str], console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
    from cyclopts.help import DefaultFormatter

    entries = [entry for entry in panel.entries if SHOW_ALL.get() or {*entry.names} & {*plain}]
    if entries:
        DefaultFormatter()(console, options, panel.copy(entries=entries))


def flags(options: type, group: str, *, without: Collection[str] = ()) -> Any:
    """What a command's argument is by default to take a flag per field of `options`, none of which is given, i.e. None.

    Each field of `options` is made by `impasto.options.option`. The default is shown but not set, so that `given` can
    tell a choice from a default. group: the heading in `--help`. without: fields that get no flag.
    """
    hints, title = get_type_hints(options), Group.create_ordered(group)
    items = [item for item in choosable(options) if item.name not in without]
    members = [(item.name, hints[item.name], _parameter([item], title)) for item in items]
    return _made(f"{options.__name__}Flags", members)


def method_flags(
    methods: Sequence[str] | None = None,
    *,
    has: Callable[[str], bool] = lambda _: True,
    instead: "Mapping[str, Field[Any]]" = MappingProxyType({}),
) -> Any:
    """The same for the options of methods, below a heading for each, and for which of them it is.

    methods: all if not given. has: whether an option gets a flag. instead: {option: the field that is offered of it}.
    """
    methods = [*METHODS] if methods is None else methods
    offered = {
        name: {method: instead.get(name, item) for method, item in owners.items() if method in methods}
        for name, owners in every_field().items()
        if has(name)
    }
    headings: dict[str, list[str]] = {}
    for name, owners in offered.items():
        if owners:
            headings.setdefault(_title(list(owners), methods), []).append(name)
    members: list[tuple[str, Any, Parameter]] = []
    for title, names in headings.items():
        plain = [name for name in names if any(item.metadata["plain"] for item in offered[name].values())]
        common = title == "How to paint" and len(methods) > 1
        group = heading(title, plain=[flag_of(name) for name in (["method"] if common else []) + plain])
        if common:
            about = "; ".join(f"{name}, {options_of(name).about}" for name in methods)
            help_text = f"how the picture is painted: {about}"
            which = Parameter(help=help_text, choices=tuple(methods), show_default=lambda _: DEFAULT, group=group)
            members.append(("method", str, which))
        for name in sorted(names, key=lambda name: name not in plain):
            items = list(offered[name].values())
            members.append((name, kinds_of(items[0])[0][-1], _parameter(items, group)))
    return _made("MethodFlags", members)


def _title(owners: Sequence[str], methods: Sequence[str]) -> str:
    if [*owners] == [*methods]:
        return "How to paint"
    refined = [name for name in methods if options_of(name).refined_by and name not in owners]
    further = f", and of the refinement after {' or '.join(refined)}" if refined and REFINER in owners else ""
    return f"Options of {', '.join(owners)}{further}"


def _made(name: str, members: Sequence[tuple[str, Any, Parameter]]) -> Any:
    made = [(name, Annotated[kind | None, parameter], None) for name, kind, parameter in members]
    # cyclopts takes a class apart into flags only if it does not look like a built-in one.
    flags = make_dataclass(name, made, namespace={"__module__": __name__}, frozen=True, kw_only=True)
    # Of a command's argument that is annotated with Any, cyclopts takes the type of its default.
    return Parameter(name="*")(flags)()


def given(chosen: Any) -> dict[str, Any]:
    """{option: value} of the flags that were given."""
    return {name: value for name, value in vars(chosen).items() if value is not None}


def flag_of(name: str) -> str:
    """'style_weight' -> '--style-weight'."""
    return "--" + name.replace("_", "-")


def check_least(least: int, /, **values: float | None) -> None:
    """Raises OptionError for a value that is less, which it names by its flag. None: not given."""
    for name, value in values.items():
        if value is not None and value < least:
            raise OptionError(f"{flag_of(name)} is {value}, but must be {least} or more")


def check_port(port: int) -> None:
    """Raises OptionError for what is no port."""
    if not 0 <= port <= 65535:
        raise OptionError(f"--port is {port}, but must be from 0 to 65535")


def folders_of_kinds(words: Sequence[str], flag: str) -> dict[str, list[Path]]:
    """{'A': folders, 'B': folders} of KIND=FOLDER, the two kinds of unpaired translation. Raises OptionError unless
    both are there."""
    folders: dict[str, list[Path]] = {"A": [], "B": []}
    for word in words:
        kind, equals, folder = word.partition("=")
        if not equals or kind not in folders:
            raise OptionError(f"{flag} is '{word}', but must be A=FOLDER or B=FOLDER")
        folders[kind].append(Path(folder))
    if missing := [f"{kind}=FOLDER" for kind, given in folders.items() if not given]:
        raise OptionError(f"{flag} needs {' and '.join(missing)}: both kinds of pictures count")
    return folders


def check_there(places: Iterable[Path]) -> None:
    """Raises DataError for a folder, or a file that stands for one, that there is not; before PyTorch is imported."""
    for place in places:
        if not place.exists():
            raise DataError(f"{place}: there is no such folder")


def check_weights(options: Options, weights: Path | None, vgg19: Path | None) -> Path | None:
    """The file of weights that these options load: of the two that were given, the one that is theirs.

    Raises OptionError for one that they do not use.
    """
    has_weights = options.weights_name == options.method
    if weights is not None and not has_weights:
        raise OptionError(f"weights are of methods whose weights are their style, but the method is {options.method}")
    if vgg19 is not None and getattr(options, "encoder", "") != "vgg19":
        raise OptionError("vgg19 is a file of the encoder vgg19, and goes with --encoder vgg19")
    return weights if has_weights else vgg19


def _parameter(items: "Sequence[Field[Any]]", group: Group) -> Parameter:
    """Of one option, which several methods may have: what the first one says, and the choices of all."""
    item = items[0]
    choices = dict.fromkeys(choice for one in items for choice in one.metadata["choices"])
    help_text = item.metadata["help"]
    if item.metadata["aliases"]:
        # Earlier names are taken as well, but not shown.
        help_text, choices = f"{help_text} [choices: {', '.join(choices)}]", {}
    allowed = described_range(item.metadata) if (item.metadata["maximum"] or 0) < UNSPOKEN else ""
    return Parameter(
        help=help_text + (f" ({allowed})" if allowed else ""),
        choices=tuple(choices) or None,
        metavar=item.metadata["unit"].upper() or None,
        alias=ALIASES.get(item.name),
        show_default=lambda _: shown_default(item.default),
        group=group,
    )
