"""`impasto study`: an experiment of the papers as a figure, numbers and a report in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Group, Parameter

from impasto.cli.flags import DEVICE, VGG19, check_there, folders_of_kinds
from impasto.cli.pictures import find_contents, find_painting
from impasto.cli.terminal import Screen, duration, write
from impasto.errors import Cancelled, OptionError, PictureError, suggestion_or_list

if TYPE_CHECKING:
    from impasto.jobs.job import FileSource
    from impasto.studies import Study, TrainingStudy

TABLES, SEEN = "paper-tables", "training-pictures"

PAINTED = (
    "ratio-sweep", "divergence", "attention-vs-vanilla", "attention-layers", "attention-repairs", "optimisers",
    "attention-map", "pooling", "normalisation", "init",
)  # fmt: skip
TRAINED = ("nadam-vs-adam", "nla-vs-cyclegan", "nla-position", "dncnn-batch-and-decay", "semantic-ablation")
"""Names of all studies: they themselves take PyTorch, which takes seconds, and a wrong name is told at once."""

_ALL = Group.create_ordered("Every study")
_OF_PAINTINGS = Group.create_ordered("Studies of paintings", help=", ".join(PAINTED))
_OF_TRAININGS = Group.create_ordered("Studies of trainings", help=", ".join(TRAINED))
_OF_TABLES = Group.create_ordered(TABLES)


@dataclass(frozen=True, kw_only=True)
class StudyScale:
    """How much is painted or trained."""

    quick: Annotated[bool, Parameter(help="small and short, to see that it works: under a minute")] = False
    trend: Annotated[
        bool,
        Parameter(
            help="between quick and whole, enough to see where it goes: about ten minutes of two idle CPU cores;"
            " trainings are slim then"
        ),
    ] = False
    size: Annotated[
        int | None,
        Parameter(
            help="longer side of paintings; 512 if not given. Of trainings, side of their crops; if not given, the"
            " recipes' 256, of slim ones and of dncnn-batch-and-decay 128; with --trend 64, and 32"
        ),
    ] = None
    steps: Annotated[
        int | None,
        Parameter(
            help="optimisation steps; the paper's if not given. Of trainings, of that with the largest batch; the"
            " others see as many pictures"
        ),
    ] = None
    values: Annotated[
        str,
        Parameter(
            group=_OF_PAINTINGS,
            help="numbers, separated by commas, instead of the study's own: the ratios of ratio-sweep",
        ),
    ] = ""
    at: Annotated[
        tuple[str, ...],
        Parameter(group=_OF_PAINTINGS, help="places of the content for attention-map, each x,y in pixels or percent"),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class StudyNetwork:
    """What sees the pictures."""

    encoder: Annotated[str | None, Parameter(group=_OF_PAINTINGS, help="lite or vgg19; lite if not given")] = None
    weights: Annotated[Path | None, VGG19, Parameter(group=_OF_PAINTINGS)] = None
    device: Annotated[str, DEVICE] = "auto"


@dataclass(frozen=True, kw_only=True)
class TrainedVariants:
    """Studies whose variants are trainings."""

    data: Annotated[
        tuple[str, ...],
        Parameter(metavar="KIND=FOLDER", help=f"A=photos B=paintings, folders or tars; for {SEEN}, too"),
    ] = ()
    slim: Annotated[
        bool,
        Parameter(
            help="the recipes that are called slim: small networks, for two CPU cores, on a quarter of the pixels"
        ),
    ] = False
    seed: Annotated[int, Parameter(help=f"of everything random; for {SEEN}, too")] = 0
    seeds: Annotated[
        int, Parameter(metavar="N", help="runs of each training, from --seed on; of 3 and more, intervals and tests")
    ] = 1
    precision: Annotated[str, Parameter(help="auto, fp32, bf16")] = "auto"


@dataclass(frozen=True, kw_only=True)
class StudyTarget:
    """What is written."""

    output: Annotated[
        Path | None, Parameter(alias=("-o", "--out"), help="folder for the outcome; study-NAME if not given")
    ] = None
    overwrite: Annotated[
        bool, Parameter(group=_OF_PAINTINGS, help="replace an older outcome, of other pictures or settings")
    ] = False


def study(
    name: Annotated[str, Parameter(help="the study; without one they are listed")] = "",
    /,
    *,
    content: Annotated[
        tuple[str, ...], Parameter(group=_OF_PAINTINGS, help="pictures, folders, or impasto's own")
    ] = (),
    style: Annotated[tuple[str, ...], Parameter(group=_OF_PAINTINGS, alias="-s", help="paintings")] = (),
    target: Annotated[StudyTarget, Parameter(name="*", group=_ALL)] = StudyTarget(),
    evaluated: Annotated[
        tuple[str, ...],
        Parameter(
            group=_OF_TABLES,
            metavar="ROW=FILE",
            help="evaluation.json of `impasto evaluate --run` and the row that it belongs to, as in"
            " Horse2zebra/CycleGAN=run/evaluation/evaluation.json, or DATA/METHOD of data of one's own",
        ),
    ] = (),
    scale: Annotated[StudyScale, Parameter(name="*", group=_ALL)] = StudyScale(),
    network: Annotated[StudyNetwork, Parameter(name="*", group=_ALL)] = StudyNetwork(),
    trained: Annotated[TrainedVariants, Parameter(name="*", group=_OF_TRAININGS)] = TrainedVariants(),
) -> int:
    """Every content goes with every style; impasto's own pictures if none are given. Studies of trainings take --data
    instead; the same command goes on with one that was stopped."""
    if not name:
        _list()
        return 0
    if name not in (*PAINTED, *TRAINED, SEEN, TABLES):
        raise OptionError(f"no study '{name}'{suggestion_or_list(name, [*PAINTED, *TRAINED, SEEN, TABLES])}")
    if name == TABLES:
        return _tables(evaluated, target.output or Path(f"study-{TABLES}"))
    if evaluated:
        raise OptionError(f"--evaluated is for {TABLES}, which {name} is not")
    if scale.quick and scale.trend:
        raise OptionError("--quick and --trend are two sizes of a study; give one of them")
    folder = target.output or Path(f"study-{name}")
    if name in (*TRAINED, SEEN):
        _refuse(
            name,
            content=content,
            style=style,
            at=scale.at,
            values=scale.values,
            encoder=network.encoder,
            weights=network.weights,
            overwrite=target.overwrite,
        )
        report = _learn(name, folder, scale, network.device, trained)
    else:
        _refuse(
            name,
            **{field: value for field, value in vars(trained).items() if value != getattr(TrainedVariants(), field)},
        )
        report = _paint(name, folder, scale, network, (content, style), overwrite=target.overwrite)
    Screen().result(str(report))
    return 0


def _list() -> None:
    from impasto.studies import STUDIES
    from impasto.studies.study import SUN, ZHANG

    for known, entry in STUDIES.items():
        write(f"{known:22} {entry.source}. {entry.question}")
    write(f"{SEEN:22} {SUN}, Figure 1. What does a training see of its pictures?")
    write(f"{TABLES:22} {ZHANG}, Tables 1 and 2. What do trained runs reach, beside the published figures?")


def _refuse(name: str, **given: Any) -> None:
    for flag, value in given.items():
        if value:
            raise OptionError(f"--{flag} is not for the study {name}")


def _paint(
    name: str,
    folder: Path,
    scale: StudyScale,
    network: StudyNetwork,
    words: tuple[Sequence[str], Sequence[str]],
    *,
    overwrite: bool,
) -> Path:
    contents, styles = _found(words[0]), _found([find_painting(word).path for word in words[1]])
    from impasto.studies import STUDIES, paintings
    from impasto.studies.gatys import StudySetup
    from impasto.studies.study import claim

    entry = cast("Study", STUDIES[name])
    if scale.at and not entry.asks:
        raise OptionError(f"--at is not for the study {name}")
    chosen = _with_values(entry, name, scale.values)
    wanted = {"size": scale.size, "steps": scale.steps, "encoder": network.encoder}
    grade = paintings.QUICK if scale.quick else paintings.TREND if scale.trend else {}
    choices = {**grade, **{key: value for key, value in wanted.items() if value is not None}}
    contents = contents or _found(entry.pair[:1])
    styles = styles or _found([find_painting(word).path for word in entry.pair[1:]])
    inputs = [source.path for source in (*contents, *styles)]
    claim(folder, name, inputs)
    setup = StudySetup(
        base=entry.base, choices=choices, device=network.device, weights=network.weights, inputs=inputs,
        overwrite=overwrite, places=scale.at,
    )  # fmt: skip
    pictures = _read(contents), _read(styles)
    if not scale.quick:
        _say_how_long(paintings.seconds_of(chosen, *pictures, setup))
    with Screen().telling(name) as count:
        return paintings.run(chosen, name, *pictures, folder, setup, count)


def _learn(name: str, folder: Path, scale: StudyScale, device: str, trained: TrainedVariants) -> Path:
    data = folders_of_kinds(trained.data, "--data")
    check_there(place for places in data.values() for place in places)
    from impasto.studies import STUDIES
    from impasto.studies.trained import Budget, run, seconds_of, show_pictures

    if name == SEEN:
        return show_pictures(data, folder, size=scale.size, seed=trained.seed)
    budget = Budget(
        steps=scale.steps, size=scale.size, quick=scale.quick, trend=scale.trend, device=device, slim=trained.slim,
        seed=trained.seed, seeds=trained.seeds, precision=trained.precision,
    )  # fmt: skip
    entry, screen = cast("TrainingStudy", STUDIES[name]), Screen()
    names = ", ".join(variant.name for variant in entry.variants)
    times = f", each with {trained.seeds} seeds" if trained.seeds > 1 else ""
    screen.note(f"{name}: {len(entry.variants)} trainings ({names}){times}, into {folder}")
    if not scale.quick:
        screen.note("taking a few steps of each, to say how long they will take")
        _say_how_long(seconds_of(entry, data, folder, budget))
    try:
        with screen.telling(name) as count:
            return run(entry, name, data, folder, budget, count, screen.stopping)
    except KeyboardInterrupt:
        raise Cancelled(f"stopped; the runs are in {folder}, and the same command goes on with them") from None


def _say_how_long(seconds: float) -> None:
    if seconds >= 1:
        Screen().note(f"about {duration(seconds)} on this machine as it is now, from a few steps")


def _tables(evaluated: Sequence[str], folder: Path) -> int:
    from impasto.studies.paper_tables import ROWS, assemble

    files: dict[str, Path] = {}
    for word in evaluated:
        row, equals, file = word.partition("=")
        if not equals or row in files:
            raise OptionError(
                f"--evaluated is '{word}', but must be ROW=FILE, each row once; there are {', '.join(ROWS)}"
            )
        files[row] = Path(file)
    for path in assemble(files, folder):
        write(str(path))
    return 0


def _with_values(chosen: Any, name: str, text: str) -> Any:
    from dataclasses import replace

    if not text:
        return chosen
    if chosen.of_numbers is None:
        raise OptionError(f"--values are for studies of one number, which {name} is not")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--values is '{text}', but must be numbers like 1,1e3,1e6") from None
    return replace(chosen, variants=chosen.of_numbers(values))


def _found(words: Sequence[str | Path]) -> "list[FileSource]":
    """Raises PictureError for the first that is no picture, or not there."""
    sources, failures = find_contents([str(word) for word in words])
    failures += [PictureError(f"{one.path}: there is no such file") for one in sources if not one.path.exists()]
    if failures:
        raise failures[0]
    return sources


def _read(sources: "Sequence[FileSource]") -> list[tuple[str, Any]]:
    """Names and pictures. Raises PictureError for the first that cannot be read."""
    from impasto import image

    return [(source.path.stem, image.on_white(image.read(source.path))) for source in sources]
