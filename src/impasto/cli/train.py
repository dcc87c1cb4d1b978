"""`impasto train`: a recipe's networks, trained into a folder that holds everything about the run."""

import hashlib
import inspect
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from impasto.cli import launch
from impasto.cli.data import check_data, refuse_others, remember, with_shards
from impasto.cli.flags import Flags, Vgg19, check_least, check_there, flag, flag_of
from impasto.cli.settings import shown, with_settings
from impasto.cli.terminal import Screen, duration, write
from impasto.data.layout import TEST, TRAIN, find_layout
from impasto.device import choose_device
from impasto.errors import Cancelled, ImpastoError, OptionError, WeightsError, from_extra, suggestion_or_list
from impasto.files import check_folder, is_same_file, read_json
from impasto.recipes import current_name, load_recipe, recipe_modules

if TYPE_CHECKING:
    from accelerate import Accelerator

    from impasto.training.loop import Recipe, StepReport

_MACHINES = launch.Machines()

ONE_KIND = ""
"""The kind of all pictures where a recipe does not tell kinds apart."""


@dataclass(frozen=True, kw_only=True)
class TrainingPictures(Flags):
    """What a run learns from, and where it goes."""

    data: tuple[str, ...] = flag(
        "folders of pictures, or tars of pictures; one given twice counts twice. KIND=FOLDER where the recipe tells"
        " kinds apart, as adain does content and style. Where the kinds are A and B, a single folder with trainA and"
        " trainB in it will do",
        (),
        metavar="FOLDER",
    )
    shards: tuple[str, ...] = flag(
        "tars of pictures that stay where they are, as s3://bucket/photos-{000000..000117}.tar; with KIND= as for"
        " --data. A picture is read when its turn comes, and not looked at before",
        (),
        metavar="ADDRESS",
    )
    skip_unreadable: bool = flag("train without the pictures that cannot be read", False)
    out: Path | None = flag("folder of the run")
    show: bool = flag(
        "train nothing, but print the recipe with all that --set can change, and how many weights it has", False
    )


@dataclass(frozen=True, kw_only=True)
class TrainingNetworks(Flags):
    """Files of networks that a run is given."""

    teacher: Path | None = flag("file of the network to learn from, where the recipe needs it")
    weights: Vgg19 = None
    start: Path | None = flag(
        "file of networks with whose weights the run begins, not random ones: a decoder, or generators"
    )


@dataclass(frozen=True, kw_only=True)
class RecipeChanges(Flags):
    """What a run may have other than its recipe says."""

    encoder: Literal["lite", "vgg19"] | None = flag(
        "network that sees the pictures, where the recipe leaves it open; the recipe's if not given"
    )
    steps: int | None = flag(
        "length of the run, which --resume may make longer; the recipe's own if not given", metavar="N"
    )
    preview_every: int | None = flag(
        "steps between previews, 0 for one at the end; the recipe's own if not given", metavar="N"
    )
    evaluate_every: int | None = flag(
        "steps between measurements on held-out pictures, 0 for one at the end", metavar="N"
    )
    best_by: str | None = flag(
        "of held-out pictures, by which the best state is known, where kinds are A and B: cycle, cycle PSNR, cycle"
        " SSIM, structure SSIM, KID-lite; of semantic_gan also reconstruction and semantic",
        metavar="MEASURE",
    )
    seed: int | None = flag("of everything random; the recipe's own if not given")
    set: tuple[str, ...] = flag(
        "any other setting of the recipe, as batch=4 crop=128 save_every=50 generator.width=32",
        (),
        metavar="NAME=VALUE",
    )
    accumulate: int | None = flag(
        "batches that a step learns from, in the memory of one; the recipe's if not given", metavar="N"
    )


def train(
    recipe: Annotated[str, Parameter(help=f"which run to make: {', '.join(recipe_modules())}")],
    /,
    *,
    pictures: TrainingPictures = TrainingPictures(),
    networks: TrainingNetworks = TrainingNetworks(),
    changes: RecipeChanges = RecipeChanges(),
    resume: Annotated[bool, Parameter(help="go on with the run in the folder")] = False,
    machines: launch.Machines = _MACHINES,
) -> int:
    """Train a network by one of impasto's recipes. Under torchrun, on all of its processes."""
    out = _checked(recipe, pictures, changes)
    with from_extra("train", "training"):
        import accelerate  # noqa: F401

        settings: Any = load_recipe(recipe)
    if pictures.show:
        _show(recipe, _changed(settings, recipe, changes))
        return 0
    files = _network_files(settings, recipe, networks)
    given = _given(settings.kinds, recipe, pictures)
    settings = _changed(settings, recipe, changes)
    from impasto.training.runs import check_run, defaults_of, prepare_run

    check_folder(out)
    for name, path in files.items():
        if is_same_file(out, path.parent):
            raise OptionError(f"--{_flag(name)} {path} lies in the run's own folder, whose files are replaced; copy it")
    machines.check()
    if machines.has_to_start:
        return launch.start(machines)
    launch.end_with_launcher()
    accelerator = _accelerator(machines)
    resume = _goes_on(out, resume)
    screen = Screen(quiet=not accelerator.is_main_process)
    places = with_shards(given, accelerator, screen)
    kinds, findings = check_data(places, out, accelerator, screen, skip=pictures.skip_unreadable)
    folders = kinds if settings.kinds else kinds[ONE_KIND]
    settings = settings.settled(folders, machines.count)
    facts = {"recipe": _recorded_name(recipe, out), **asdict(settings), "precision": machines.precision}
    facts |= {**_facts(kinds, files), "processes": machines.count}
    if findings is not None:
        refuse_others(findings, out, facts)
        # Runs from before there were several processes had one.
        defaults = {"processes": 1, **defaults_of(settings)}
        check_run(out, facts, resume=resume, defaults=defaults, may_lengthen=changes.steps is not None)
    trainable = settings.build(accelerator, folders, **files)
    # What cannot be built leaves no run behind that would stand in the way of the next try.
    if findings is not None:
        prepare_run(out, facts)
        remember(findings, out, screen, side=getattr(settings, "crop", 0))
    accelerator.wait_for_everyone()
    batch = getattr(settings, "batch", None)
    screen.note(
        f"{recipe}: {facts['pictures']:,} pictures, {settings.schedule.steps:,} steps"
        f"{f' in batches of {batch}' if batch else ''}, on {accelerator.device} in {machines.precision}, into {out}"
    )
    try:
        _fit(trainable, settings.schedule, out, accelerator, resume=resume, screen=screen, title=recipe)
    except Cancelled as stopped:
        if not launch.leave_stopped():
            raise
        screen.note(f"impasto: {stopped}")
        return 0
    screen.result(str(out))
    return 0


def _goes_on(out: Path, resume: bool) -> bool:
    """Whether the run goes on with what is in its folder: if any of its processes was told to, or is begun again."""
    from accelerate.utils import gather_object

    begun_again = launch.is_restarted() and (out / "config.json").exists()
    return any(gather_object([resume or begun_again]))


def _fit(
    trainable: Any, schedule: Any, out: Path, accelerator: "Accelerator", *, resume: bool, screen: Screen, title: str
) -> None:
    from impasto.training.loop import fit
    from impasto.training.processes import is_about_a_lost_process

    try:
        with _reported(screen, title) as report:
            fit(trainable, schedule, out, accelerator, resume=resume, report=report, stopping=screen.stopping)
    except KeyboardInterrupt:
        raise Cancelled(f"stopped; the run's state is in {out}, and --resume goes on with it") from None
    except RuntimeError as error:
        if not is_about_a_lost_process(error):
            raise
        raise ImpastoError(f"another process of the run has ended; --resume goes on with what is in {out}") from error
    finally:
        accelerator.end_training()


def _checked(recipe: str, pictures: TrainingPictures, changes: RecipeChanges) -> Path:
    """The folder of the run. Raises OptionError, DataError for what can be told before PyTorch is imported."""
    known = recipe_modules()
    if current_name(recipe) not in known:
        raise OptionError(f"RECIPE is '{recipe}', which there is not{suggestion_or_list(recipe, known)}")
    if pictures.out is None and not pictures.show:
        raise OptionError("--out FOLDER is missing: where the run goes")
    check_least(1, steps=changes.steps, accumulate=changes.accumulate)
    check_least(0, preview_every=changes.preview_every, evaluate_every=changes.evaluate_every)
    check_there(Path(item.partition("=")[2] if "=" in item else item) for item in pictures.data)
    return pictures.out or Path()


def _show(recipe: str, settings: "Recipe") -> None:
    write(f"# {recipe}: --set NAME=VALUE changes any line, of one within another as generator.width=32")
    for line in shown(settings):
        write(line)
    if not settings.schedule.steps:
        write("# steps: 0 stands for all epochs of the rates, of which the pictures decide how many steps they are")
    if not hasattr(settings, "networks"):
        return
    import torch

    with torch.device("meta"):
        made = settings.networks()
    generator, discriminator = (
        sum(weight.numel() for weight in network.parameters()) for network in (made.generator, made.discriminator)
    )
    write(f"# weights: {generator:,} of each of two generators, {discriminator:,} of each of two discriminators")


def _network_files(settings: "Recipe", recipe: str, networks: TrainingNetworks) -> dict[str, Path]:
    """The files of networks among the arguments of the recipe's `build`."""
    known = inspect.signature(settings.build).parameters
    files: dict[str, Path] = {}
    for name, path in vars(networks).items():
        if path is not None:
            if name not in known:
                raise OptionError(f"the recipe {recipe} has no use for --{_flag(name)}")
            files[name] = path
        elif name in known and known[name].default is inspect.Parameter.empty:
            raise OptionError(f"the recipe {recipe} needs --{_flag(name)} FILE: the network to learn from")
    return files


def _recorded_name(recipe: str, out: Path) -> str:
    """The recipe's name; or an earlier one of it, if the run in the folder was begun by that."""
    name, config = current_name(recipe), read_json(out / "config.json")
    recorded = str(config.get("recipe")) if isinstance(config, dict) else name
    return recorded if current_name(recorded) == name else name


def _flag(name: str) -> str:
    """How the command line calls what a recipe takes by this name."""
    return "vgg19" if name == "weights" else name


def _given(kinds: Sequence[str], recipe: str, pictures: TrainingPictures) -> Mapping[str, Sequence[Path | str]]:
    """{kind: folders, and addresses of shards as texts}, of ONE_KIND if the recipe does not tell kinds apart."""
    data, shards = pictures.data, pictures.shards
    if not data and not shards:
        raise OptionError("--data FOLDER is missing, or --shards ADDRESS: the pictures to learn from")
    if not kinds:
        return {ONE_KIND: [*map(Path, data), *shards]}
    takes_layout = list(kinds) == list(TRAIN)
    if takes_layout and len(data) == 1 and not shards and (layout := find_layout(Path(data[0]))):
        return layout
    given: dict[str, list[Path | str]] = {kind: [] for kind in (*kinds, *(TEST.values() if takes_layout else ()))}
    for name, place, items in (("data", "FOLDER", data), ("shards", "ADDRESS", shards)):
        for item in items:
            kind, equals, where = item.partition("=")
            if not equals or kind not in given:
                expected = " or ".join(f"{kind}={place}" for kind in kinds)
                whole = f", or a folder with {' and '.join(TRAIN.values())} in it" if takes_layout and data else ""
                raise OptionError(f"--{name} is '{item}', but the recipe {recipe} needs {expected}{whole}")
            given[kind].append(Path(where) if name == "data" else where)
    for kind in kinds:
        if not given[kind]:
            raise OptionError(f"the recipe {recipe} needs --data {kind}=FOLDER as well")
    return {kind: places for kind, places in given.items() if places}


def _changed(settings: Any, recipe: str, changes: RecipeChanges) -> Any:
    settings = with_settings(settings, changes.set)
    given = {name: value for name, value in vars(changes).items() if value is not None and name != "set"}
    for name in ("encoder", "accumulate", "best_by"):
        if name in given and not hasattr(settings, name):
            raise OptionError(f"the recipe {recipe} has no use for {flag_of(name)}")
    places = {"steps": "steps", "preview_every": "preview_every", "evaluate_every": "validate_every"}
    times = {places[name]: given.pop(name) for name in places if name in given}
    return replace(settings, schedule=replace(settings.schedule, **times), **given)


def _facts(kinds: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    """What a resumed run must find unchanged besides its config; where it lies may change."""
    from impasto.data.folders import list_pictures
    from impasto.weights import sha256_of

    pictures = [path for places in kinds.values() for path in list_pictures(places, shards=True)]
    names = os.fsencode("\n".join(path.name for path in pictures))
    facts: dict[str, Any] = {"pictures": len(pictures), "picture_names": hashlib.sha256(names).hexdigest()}
    for name, path in files.items():
        if not path.is_file():
            raise WeightsError(f"{path}: there is no such file")
        facts[name] = sha256_of(path)
    return facts


def _accelerator(machines: launch.Machines) -> "Accelerator":
    from accelerate import Accelerator

    if machines.device not in ("auto", "cpu"):
        # The one way to tell accelerate of a device that is neither the CPU nor its own choice.
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(choose_device(machines.device))
    mixed = "no" if machines.precision == "fp32" else machines.precision
    return Accelerator(cpu=machines.device == "cpu", mixed_precision=mixed)


@contextmanager
def _reported(screen: Screen, title: str) -> "Iterator[StepReport]":
    """What `fit` is given to tell how it goes: a bar in a terminal, else a line for each report."""
    first: list[tuple[float, int]] = []
    with screen.telling(title) as show:

        def report(step: int, steps: int, values: Mapping[str, float]) -> None:
            now = time.monotonic()
            said = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
            if not first:
                first.append((now, step))
            elif step > first[0][1]:
                rate = (step - first[0][1]) / max(now - first[0][0], 1e-9)
                said = f"{said}  {rate:.3g} steps/s  {duration((steps - step) / rate)} left"
            show(step, steps, said)

        yield report
