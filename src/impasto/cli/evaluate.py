"""`impasto evaluate`: pictures or trained runs as numbers, with the protocol of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from impasto.cli.flags import DEVICE, VGG19, check_least, folders_of_kinds
from impasto.cli.terminal import Screen, write
from impasto.errors import OptionError

if TYPE_CHECKING:
    from impasto.evaluation import Judges, Number

_AGAINST = Group.create_ordered("What outputs are compared with")
_RUNS = Group.create_ordered("Trained runs, instead of outputs")
_BY = Group.create_ordered("What judges")
_WRITE = Group.create_ordered("What to write")


@dataclass(frozen=True, kw_only=True)
class Against:
    """Other pictures."""

    content: Annotated[tuple[Path, ...], Parameter(help="what the outputs were made of")] = ()
    style: Annotated[tuple[Path, ...], Parameter(alias="-s", help="paintings that they were made after")] = ()
    reference: Annotated[
        tuple[Path, ...],
        Parameter(help="real pictures that they should look like, for FID and KID; the styles if not given"),
    ] = ()
    floor: Annotated[
        tuple[Path, ...],
        Parameter(help="other real pictures of the reference's kind: how near real ones come; its halves if not given"),
    ] = ()
    pair: Annotated[
        Literal["name", "order"],
        Parameter(help="outputs belong to contents and styles by their names, or as they are sorted"),
    ] = "name"


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Generators that `impasto train` made."""

    run: Annotated[
        tuple[Path, ...], Parameter(help="folder of a run; several, of other seeds, give means and deviations")
    ] = ()
    data: Annotated[
        tuple[str, ...], Parameter(metavar="KIND=FOLDER", help="the whole test set: A=FOLDER B=FOLDER")
    ] = ()
    train: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="KIND=FOLDER",
            help="the training set, for how near real pictures come to real ones; the test set's halves if not given",
        ),
    ] = ()
    size: Annotated[int, Parameter(metavar="PX", help="squares that test pictures are brought to; 0 leaves them")] = 256


@dataclass(frozen=True, kw_only=True)
class By:
    """Networks."""

    networks: Annotated[
        str,
        Parameter(
            help="of inception (FID, KID) and lpips, separated by commas; none for those that impasto carries alone"
        ),
    ] = "inception,lpips"
    encoder: Annotated[Literal["lite", "vgg19"], Parameter(help="sees distances of content and style")] = "lite"
    inception: Annotated[Path | None, Parameter(help="file of Inception's weights; downloaded once if not given")] = (
        None
    )
    vgg16: Annotated[Path | None, Parameter(help="file of LPIPS' VGG-16; downloaded once if not given")] = None
    lpips_heads: Annotated[Path | None, Parameter(help="file of LPIPS' own weights; downloaded once if not given")] = (
        None
    )
    weights: Annotated[Path | None, VGG19, Parameter(group=_BY)] = None
    device: Annotated[str, DEVICE] = "auto"
    seed: Annotated[int, Parameter(help="of the subsets of KID")] = 0


def evaluate(
    outputs: Annotated[list[Path] | None, Parameter(help="pictures that were made, or folders of them")] = None,
    /,
    *,
    against: Annotated[Against, Parameter(name="*", group=_AGAINST)] = Against(),
    runs: Annotated[Runs, Parameter(name="*", group=_RUNS)] = Runs(),
    by: Annotated[By, Parameter(name="*", group=_BY)] = By(),
    output: Annotated[
        Path | None,
        Parameter(
            alias="-o",
            group=_WRITE,
            help="folder for evaluation.json, .csv, .tex and .md; RUN/evaluation for a run, none for outputs",
        ),
    ] = None,
    quiet: Annotated[bool, Parameter(alias="-q", group=_WRITE, help="no notes and no bars")] = False,
) -> int:
    """Measure pictures that were made, or the generators of trained runs."""
    if bool(outputs) == bool(runs.run):
        raise OptionError("name either outputs to evaluate, or trained runs with --run")
    _check(against, runs)
    networks = tuple(name.strip() for name in by.networks.split(",") if name.strip() not in ("", "none"))
    # PyTorch comes in here.
    from impasto.evaluation import Judges
    from impasto.evaluation import numbers as forms
    from impasto.report.folder import check_files

    screen = Screen(quiet=quiet)
    judges = Judges(
        networks=networks,
        encoder=by.encoder,
        files={"inception": by.inception, "vgg16": by.vgg16, "lpips": by.lpips_heads, "vgg19": by.weights},
        device=by.device,
        download=screen.download,
        seed=by.seed,
    )
    folder = output
    if folder is None and runs.run:
        folder = runs.run[0] / "evaluation" if len(runs.run) == 1 else Path("evaluation")
    if folder is not None:
        check_files(folder, forms.FILES)
    if outputs:
        numbers = _of_outputs(outputs, against, judges, screen)
    else:
        assert folder is not None
        numbers = _of_runs(runs, judges, folder, screen)
    _show(numbers)
    if folder is not None:
        for path in forms.write(numbers, folder):
            screen.note(str(path))
    return 0


def _check(against: Against, runs: Runs) -> None:
    """What needs no picture to be seen."""
    if runs.run:
        for name in ("content", "style", "reference", "floor"):
            if getattr(against, name):
                raise OptionError(f"--{name} is for outputs; the pictures of a --run are its --data")
        check_least(0, size=runs.size)
        folders_of_kinds(runs.data, "--data")
        if runs.train:
            folders_of_kinds(runs.train, "--train")
        return
    for name in ("data", "train"):
        if getattr(runs, name):
            raise OptionError(f"--{name} is for --run")
    if not (against.content or against.style or against.reference):
        raise OptionError("outputs are compared with --content, --style or --reference; none was given")


def _of_outputs(outputs: Sequence[Path], against: Against, judges: "Judges", screen: Screen) -> "list[Number]":
    from impasto.evaluation import evaluate_folders, picture_set

    given = {name: getattr(against, name) for name in ("content", "style", "reference", "floor")}
    sets = {name: picture_set(paths) for name, paths in given.items() if paths}
    with screen.counting("evaluating") as count:
        return evaluate_folders(picture_set(outputs), sets, judges, pair=against.pair, warn=screen.note, report=count)


def _of_runs(runs: Runs, judges: "Judges", folder: Path, screen: Screen) -> "list[Number]":
    from impasto.evaluation import PictureSet, evaluate_runs, picture_set

    def given(words: Sequence[str], flag: str) -> dict[str, PictureSet]:
        return {kind: picture_set(paths) for kind, paths in folders_of_kinds(words, flag).items()}

    test, train = given(runs.data, "--data"), given(runs.train, "--train") if runs.train else {}
    with screen.counting("evaluating") as count:
        return evaluate_runs(
            runs.run, test, train, folder, judges, side=runs.size or None, warn=screen.note, report=count
        )


def _show(numbers: "Sequence[Number]") -> None:
    """The table on stdout, as wide as it needs to be where nobody looks."""
    import sys

    from rich.console import Console

    from impasto.evaluation.numbers import to_table

    if sys.stdout.isatty():
        Console().print(to_table(numbers))
        return
    console = Console(width=160, no_color=True, highlight=False)
    with console.capture() as text:
        console.print(to_table(numbers))
    for line in text.get().splitlines():
        write(line.rstrip())
