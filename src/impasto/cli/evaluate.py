"""`impasto evaluate`: pictures or trained runs as numbers, with the protocol of each."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from impasto.cli.flags import Device, Flags, Vgg19, check_least, flag, folders_of_kinds
from impasto.cli.terminal import Screen, write
from impasto.errors import OptionError
from impasto.report.folder import check_files

if TYPE_CHECKING:
    from impasto.evaluation import Number

OTHERS = ("content", "style", "reference", "floor")
"""What outputs can be compared with."""


@dataclass(frozen=True, kw_only=True)
class Against(Flags, group=Group.create_ordered("What outputs are compared with")):
    """Other pictures."""

    content: tuple[Path, ...] = flag("what the outputs were made of", ())
    style: tuple[Path, ...] = flag("paintings that they were made after", (), alias="-s")
    reference: tuple[Path, ...] = flag(
        "real pictures that they should look like, for FID and KID; the styles if not given", ()
    )
    floor: tuple[Path, ...] = flag(
        "other real pictures of the reference's kind: how near real ones come; its halves if not given", ()
    )
    pair: Literal["name", "order"] = flag(
        "outputs belong to contents and styles by their names, or as they are sorted", "name"
    )


@dataclass(frozen=True, kw_only=True)
class Runs(Flags, group=Group.create_ordered("Trained runs, instead of outputs")):
    """Generators that `impasto train` made."""

    run: tuple[Path, ...] = flag("folder of a run; several, of other seeds, give means and deviations", ())
    data: tuple[str, ...] = flag("the whole test set: A=FOLDER B=FOLDER", (), metavar="KIND=FOLDER")
    train: tuple[str, ...] = flag(
        "the training set, for how near real pictures come to real ones; the test set's halves if not given",
        (),
        metavar="KIND=FOLDER",
    )
    size: int = flag("squares that test pictures are brought to; 0 leaves them", 256, metavar="PX")


@dataclass(frozen=True, kw_only=True)
class By(Flags, group=Group.create_ordered("What judges")):
    """Networks."""

    networks: str = flag(
        "of inception (FID, KID) and lpips, separated by commas; none for those that impasto carries alone",
        "inception,lpips",
    )
    encoder: Literal["lite", "vgg19"] = flag("sees distances of content and style", "lite")
    inception: Path | None = flag("file of Inception's weights; downloaded once if not given")
    vgg16: Path | None = flag("file of LPIPS' VGG-16; downloaded once if not given")
    lpips_heads: Path | None = flag("file of LPIPS' own weights; downloaded once if not given")
    weights: Vgg19 = None
    device: Device = "auto"
    seed: int = flag("of the subsets of KID", 0)


@dataclass(frozen=True, kw_only=True)
class EvaluationTarget(Flags, group=Group.create_ordered("What to write")):
    """What is written and said."""

    output: Path | None = flag(
        "folder for evaluation.json, .csv, .tex and .md; RUN/evaluation for a run, none for outputs", alias="-o"
    )
    quiet: bool = flag("no notes and no bars", False, alias="-q")


def evaluate(
    outputs: Annotated[list[Path] | None, Parameter(help="pictures that were made, or folders of them")] = None,
    /,
    *,
    against: Against = Against(),
    runs: Runs = Runs(),
    by: By = By(),
    target: EvaluationTarget = EvaluationTarget(),
) -> None:
    """Measure pictures that were made, or the generators of trained runs."""
    if bool(outputs) == bool(runs.run):
        raise OptionError("name either outputs to evaluate, or trained runs with --run")
    _check(against, runs)
    networks = tuple(name.strip() for name in by.networks.split(",") if name.strip() not in ("", "none"))
    from impasto.evaluation import Judges, evaluate_folders, evaluate_runs, picture_set
    from impasto.evaluation import numbers as forms

    screen = Screen(quiet=target.quiet)
    judges = Judges(
        networks=networks,
        encoder=by.encoder,
        files={"inception": by.inception, "vgg16": by.vgg16, "lpips": by.lpips_heads, "vgg19": by.weights},
        device=by.device,
        download=screen.download,
        seed=by.seed,
    )
    folder = target.output
    if folder is None and runs.run:
        folder = runs.run[0] / "evaluation" if len(runs.run) == 1 else Path("evaluation")
    if folder is not None:
        check_files(folder, forms.FILES)
    with screen.counting("evaluating") as count:
        if outputs:
            sets = {name: picture_set(paths) for name in OTHERS if (paths := getattr(against, name))}
            numbers = evaluate_folders(
                picture_set(outputs), sets, judges, pair=against.pair, warn=screen.note, report=count
            )
        else:
            assert folder is not None
            test, train = (
                {kind: picture_set(paths) for kind, paths in folders_of_kinds(words, name).items()} if words else {}
                for name, words in (("--data", runs.data), ("--train", runs.train))
            )
            numbers = evaluate_runs(
                runs.run, test, train, folder, judges, side=runs.size or None, warn=screen.note, report=count
            )
    _show(numbers)
    if folder is not None:
        for path in forms.write(numbers, folder):
            screen.note(str(path))


def _check(against: Against, runs: Runs) -> None:
    """What needs no picture to be seen."""
    if runs.run:
        for name in OTHERS:
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


def _show(numbers: "Sequence[Number]") -> None:
    """The table on stdout, as wide as it needs to be where nobody looks."""
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
