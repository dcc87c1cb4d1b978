"""`impasto study`: an experiment of the papers as a figure, numbers and a report in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Group, Parameter

from impasto.cli.flags import Device, Flags, Vgg19, check_there, flag, folders_of_kinds
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


@dataclass(frozen=True, kw_only=True)
class StudyOptions(Flags, group=Group.create_ordered("Every study")):
    """How much is painted or trained, and where the outcome goes."""

    output: Path | None = flag("folder for the outcome; study-NAME if not given", alias=("-o", "--out"))
    quick: bool = flag("small and short, to see that it works: under a minute", False)
    trend: bool = flag(
        "between quick and whole, enough to see where it goes: about ten minutes of two idle CPU cores; trainings are"
        " slim then",
        False,
    )
    size: int | None = flag(
        "longer side of paintings; 512 if not given. Of trainings, side of their crops; if not given, the recipes' 256,"
        " of slim ones and of dncnn-batch-and-decay 128; with --trend 64, and 32"
    )
    steps: int | None = flag(
        "optimisation steps; the paper's if not given. Of trainings, of that with the largest batch; the others see as"
        " many pictures"
    )
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class PaintedVariants(Flags, group=Group.create_ordered("Studies of paintings", help=", ".join(PAINTED))):
    """Studies whose variants are paintings."""

    content: tuple[str, ...] = flag("pictures, folders, or impasto's own", ())
    style: tuple[str, ...] = flag("paintings", (), alias="-s")
    overwrite: bool = flag("replace an older outcome, of other pictures or settings", False)
    values: str = flag("numbers, separated by commas, instead of the study's own: the ratios of ratio-sweep", "")
    at: tuple[str, ...] = flag("places of the content for attention-map, each x,y in pixels or percent", ())
    encoder: str | None = flag("lite or vgg19; lite if not given")
    weights: Vgg19 = None


@dataclass(frozen=True, kw_only=True)
class TrainedVariants(Flags, group=Group.create_ordered("Studies of trainings", help=", ".join(TRAINED))):
    """Studies whose variants are trainings."""

    data: tuple[str, ...] = flag(f"A=photos B=paintings, folders or tars; for {SEEN}, too", (), metavar="KIND=FOLDER")
    slim: bool = flag(
        "the recipes that are called slim: small networks, for two CPU cores, on a quarter of the pixels", False
    )
    seed: int = flag(f"of everything random; for {SEEN}, too", 0)
    seeds: int = flag("runs of each training, from --seed on; of 3 and more, intervals and tests", 1, metavar="N")
    precision: str = flag("auto, fp32, bf16", "auto")


def study(
    name: Annotated[str, Parameter(help="the study; without one they are listed")] = "",
    /,
    *,
    options: StudyOptions = StudyOptions(),
    painted: PaintedVariants = PaintedVariants(),
    trained: TrainedVariants = TrainedVariants(),
    evaluated: Annotated[
        tuple[str, ...],
        Parameter(
            group=Group.create_ordered(TABLES),
            metavar="ROW=FILE",
            help="evaluation.json of `impasto evaluate --run` and the row that it belongs to, as in"
            " Horse2zebra/CycleGAN=run/evaluation/evaluation.json, or DATA/METHOD of data of one's own",
        ),
    ] = (),
) -> None:
    """Every content goes with every style; impasto's own pictures if none are given. Studies of trainings take --data
    instead; the same command goes on with one that was stopped."""
    if not name:
        _list()
        return
    if name not in (*PAINTED, *TRAINED, SEEN, TABLES):
        raise OptionError(f"no study '{name}'{suggestion_or_list(name, [*PAINTED, *TRAINED, SEEN, TABLES])}")
    folder = options.output or Path(f"study-{name}")
    if name == TABLES:
        _tables(evaluated, folder)
        return
    if evaluated:
        raise OptionError(f"--evaluated is for {TABLES}, which {name} is not")
    if options.quick and options.trend:
        raise OptionError("--quick and --trend are two sizes of a study; give one of them")
    is_painted = name in PAINTED
    others: Flags = trained if is_painted else painted
    for field, value in vars(others).items():
        if value != getattr(type(others), field):
            raise OptionError(f"--{field} is not for the study {name}")
    report = _paint(name, folder, options, painted) if is_painted else _learn(name, folder, options, trained)
    Screen().result(str(report))


def _list() -> None:
    from impasto.studies import STUDIES
    from impasto.studies.study import SUN, ZHANG

    for known, entry in STUDIES.items():
        write(f"{known:22} {entry.source}. {entry.question}")
    write(f"{SEEN:22} {SUN}, Figure 1. What does a training see of its pictures?")
    write(f"{TABLES:22} {ZHANG}, Tables 1 and 2. What do trained runs reach, beside the published figures?")


def _paint(name: str, folder: Path, options: StudyOptions, painted: PaintedVariants) -> Path:
    contents, styles = _found(painted.content), _found([find_painting(word).path for word in painted.style])
    from impasto.studies import STUDIES, paintings
    from impasto.studies.gatys import StudySetup
    from impasto.studies.study import claim

    entry = cast("Study", STUDIES[name])
    if painted.at and not entry.asks:
        raise OptionError(f"--at is not for the study {name}")
    chosen = _with_values(entry, name, painted.values)
    wanted = {"size": options.size, "steps": options.steps, "encoder": painted.encoder}
    grade = paintings.QUICK if options.quick else paintings.TREND if options.trend else {}
    choices = {**grade, **{key: value for key, value in wanted.items() if value is not None}}
    contents = contents or _found(entry.pair[:1])
    styles = styles or _found([find_painting(word).path for word in entry.pair[1:]])
    inputs = [source.path for source in (*contents, *styles)]
    claim(folder, name, inputs)
    setup = StudySetup(
        base=entry.base, choices=choices, device=options.device, weights=painted.weights, inputs=inputs,
        overwrite=painted.overwrite, places=painted.at,
    )  # fmt: skip
    pictures = _read(contents), _read(styles)
    if not options.quick:
        _say_how_long(paintings.seconds_of(chosen, *pictures, setup))
    with Screen().telling(name) as count:
        return paintings.run(chosen, name, *pictures, folder, setup, count)


def _learn(name: str, folder: Path, options: StudyOptions, trained: TrainedVariants) -> Path:
    data = folders_of_kinds(trained.data, "--data")
    check_there(place for places in data.values() for place in places)
    from impasto.studies import STUDIES
    from impasto.studies.trained import Budget, run, seconds_of, show_pictures

    if name == SEEN:
        return show_pictures(data, folder, size=options.size, seed=trained.seed)
    budget = Budget(
        steps=options.steps, size=options.size, quick=options.quick, trend=options.trend, device=options.device,
        slim=trained.slim, seed=trained.seed, seeds=trained.seeds, precision=trained.precision,
    )  # fmt: skip
    entry, screen = cast("TrainingStudy", STUDIES[name]), Screen()
    names = ", ".join(variant.name for variant in entry.variants)
    times = f", each with {trained.seeds} seeds" if trained.seeds > 1 else ""
    screen.note(f"{name}: {len(entry.variants)} trainings ({names}){times}, into {folder}")
    if not options.quick:
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


def _tables(evaluated: Sequence[str], folder: Path) -> None:
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
