"""What is evaluated: folders of pictures that any program made, and trained generators."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto import image, tensors
from impasto.api import load
from impasto.errors import CheckpointError, DataError, OptionError
from impasto.evaluation import measures
from impasto.evaluation.measures import Judges
from impasto.evaluation.numbers import Number, over_runs, software
from impasto.evaluation.pictures import PictureSet, partners, pixels, warnings
from impasto.files import in_unicode, make_folder, read_json
from impasto.jobs.job import FileSource, PaintingTarget, PaintJob
from impasto.jobs.pipeline import paint
from impasto.jobs.session import Session
from impasto.methods import METHODS, StylizeOptions, options_of
from impasto.options import TranslationOptions
from impasto.record import Record, find_record
from impasto.report.variants import Report
from impasto.translation import OTHER, WAYS
from impasto.weights import load as load_weights
from impasto.weights import sha256_of

CHECKPOINTS = {"last": "generators.safetensors", "best": "generators-best.safetensors"}
SIDE = 256

PHOTO, PAINTING = "identity: content", "identity: style"
"""Two answers that are none: the photo untouched and the painting itself. A measure that prefers one of them to the
outputs does not measure the transfer of style."""


def evaluate_folders(
    outputs: PictureSet,
    against: Mapping[str, PictureSet],
    judges: Judges,
    *,
    pair: str = "name",
    warn: Callable[[str], None],
    report: Report = lambda *_: None,
) -> list[Number]:
    """Everything that can be measured of pictures that were made. warn: told of what to know about the numbers.

    against: what they are compared with. 'content': what they were made of; 'style': after what; 'reference': real
    pictures of the kind that they should look like, by default the styles; 'floor': other real pictures of that kind,
    which tell how small a distance of sets can get, without which the reference's halves do. One of the first three
    has to be there. pair: 'name' or 'order', as for `partners`. Raises DataError if pairs do not match, PictureError.
    """
    facts = {"pairs": f"by {pair}"}
    content, style = (
        partners(outputs, against[role], role, pair) if role in against else None for role in ("content", "style")
    )
    for line in warnings({"outputs": outputs}, against):
        warn(line)
    numbers: list[Number] = []
    if content:
        numbers += measures.likeness("outputs", outputs, content, judges, facts=facts, report=report)
    if style:
        numbers += measures.style("outputs", outputs, style, judges, facts=facts, report=report)
    if content and style:
        unchanged = measures.likeness(PHOTO, content, content, judges, facts=facts)
        # Of equal pictures, the PSNR is infinite.
        numbers += [number for number in unchanged if number.measure != "PSNR"]
        numbers += measures.style(PHOTO, content, style, judges, facts=facts)
        numbers += measures.likeness(PAINTING, style, content, judges, squeezed=True, facts=facts)
        numbers += measures.style(PAINTING, style, style, judges, facts=facts)
    reference = against.get("reference") or against.get("style")
    if reference and len(reference) > 1:
        numbers += _of_sets(outputs, against, reference, numbers, judges)
    elif reference:
        warn("one picture is no set: FID and KID need a --reference of many")
    tell(numbers, judges, warn)
    return numbers


def tell(numbers: Sequence[Number], judges: Judges, warn: Callable[[str], None]) -> None:
    """What the numbers' protocols warn of, each once, and which networks were missing."""
    warned = [line for number in numbers if (line := number.protocol.get("warning"))]
    for line in dict.fromkeys([*warned, *judges.missing]):
        warn(line)


def _of_sets(
    outputs: PictureSet,
    against: Mapping[str, PictureSet],
    reference: PictureSet,
    of_pairs: Sequence[Number],
    judges: Judges,
) -> list[Number]:
    """The outputs' distance, what it would be if nothing had been done or the painting given back, and how small it can
    get. of_pairs: what was measured of pairs."""
    numbers = []
    sets = {"outputs": outputs}
    if "content" in against:
        sets[PHOTO] = against["content"]
        sets |= {PAINTING: against["style"]} if "style" in against else {}
    for subject, pictures in sets.items():
        distances = measures.distribution(subject, pictures, reference, judges)
        numbers += [*distances, *measures.art_fid([*of_pairs, *distances], subject)]
    return numbers + measures.real_floor(reference, against.get("floor"), judges)


def evaluate_runs(
    runs: Sequence[Path],
    test: Mapping[str, PictureSet],
    train: Mapping[str, PictureSet],
    folder: Path,
    judges: Judges,
    *,
    side: int | None = SIDE,
    warn: Callable[[str], None],
    report: Report = lambda *_: None,
) -> list[Number]:
    """Numbers of every run, and means over them if there are several: of the whole test set, translated there and back.
    Translated pictures go into `folder`.

    test: {kind: all pictures of it that no training saw}, for A and B. train: those of the training, for the floor; may
    be empty. side: to which squares they are brought first, as in the published protocols; None for their own size.
    The last checkpoint and the best one are subjects of their own. Published numbers are often those of the checkpoint
    that was best on the test set, and are not comparable with anybody's last one.
    Pictures that an earlier call translated with the same weights and versions are taken as they are. Raises
    CheckpointError for a folder without generators, WeightsError, PictureError, DataError.
    """
    if len({run.resolve() for run in runs}) < len(runs):
        raise OptionError("--run names one run twice; a mean is of different runs")
    names = [run.resolve().name for run in runs]
    homes = [folder / f"{number}-{name}" for number, name in enumerate(names, 1)] if len(runs) > 1 else [folder]
    checkpoints = {home: checkpoints_of(run) for home, run in zip(homes, runs, strict=True)}
    reals = {f"test pictures {kind}": pictures for kind, pictures in test.items()}
    reals |= {f"training pictures {kind}": pictures for kind, pictures in train.items()}
    for line in warnings({}, reals):
        warn(line)
    _refuse_sources(
        reals.values(), [folder / "test", folder / "train", *(h / name for h in homes for name in CHECKPOINTS)]
    )
    originals = {kind: _prepared(pictures, folder / "test" / kind, side) for kind, pictures in test.items()}
    others = {kind: _prepared(pictures, folder / "train" / kind, side) for kind, pictures in train.items()}
    by_run: list[list[Number]] = []
    for home, of_run in checkpoints.items():
        by_run.append([])
        for path, facts in of_run.items():
            about = {**facts, "side": side, "pairs": "by name"}
            by_run[-1] += _of_checkpoint(path, about, originals, home, judges, report)
    numbers = by_run[0]
    if len(runs) > 1:
        numbers = over_runs(by_run)
        for name, values in zip(names, by_run, strict=True):
            numbers += _named(values, name)
    for kind, other in OTHER.items():
        numbers += measures.distribution(f"identity: {kind} as {other}", originals[kind], originals[other], judges)
    for kind, pictures in originals.items():
        numbers += _named(measures.real_floor(pictures, others.get(kind), judges), kind)
    tell(numbers, judges, warn)
    return numbers


def _refuse_sources(sources: Iterable[PictureSet], places: Sequence[Path]) -> None:
    """Raises OptionError if a picture that is read lies where pictures will be written."""
    written = [place.resolve() for place in places]
    for path in (path for pictures in sources for path in pictures.paths):
        if any(path.resolve().is_relative_to(place) for place in written):
            raise OptionError(f"--output would put pictures where {path} lies, which is read; choose another folder")


def checkpoints_of(run: Path) -> dict[Path, dict[str, Any]]:
    """{file of generators: what a protocol says of it}, the last ones first. Raises CheckpointError without any."""
    about = _object(run / "config.json")
    checkpoints = {}
    for name, file in CHECKPOINTS.items():
        path = run / file
        if not path.is_file():
            continue
        config = load_weights(path)[1]
        method = config.get("method")
        if method not in METHODS or not issubclass(options_of(method), TranslationOptions):
            raise CheckpointError(f"{path}: is of the method {method}, which translates no pictures")
        step = config.get("step")
        if step is None:
            state = _object(run / "state.json")
            step = (state if name == "last" else state.get("best") or {}).get("step")
        checkpoints[path] = {
            "method": method,
            "checkpoint": {"name": name, "sha256": sha256_of(path)},
            "step": step,
            "recipe": about.get("recipe"),
            "training seed": about.get("seed"),
        }
    if not checkpoints:
        what = "holds no run" if not run.is_dir() else "holds no generators.safetensors: is its training finished?"
        raise CheckpointError(f"{run}: {what}")
    return checkpoints


def _of_checkpoint(
    weights: Path,
    facts: Mapping[str, Any],
    originals: Mapping[str, PictureSet],
    home: Path,
    judges: Judges,
    report: Report,
) -> list[Number]:
    """Both directions of one checkpoint, whose pictures go below the run's home."""
    numbers: list[Number] = []
    session = Session(lambda options: load(options.method, device=judges.device, weights=weights))
    name = facts["checkpoint"]["name"]
    for start, direction, back in WAYS:
        subject, photos, folder = f"{direction} {name}", originals[start], home / name / direction
        painted = _translated(photos, folder, direction, facts, session, report)
        again = _translated(painted, folder.with_name(f"{direction} and back"), back, facts, session, report)
        through = {**facts, "cycle": "through 8-bit PNG"}
        numbers += measures.likeness(subject, again, photos, judges, prefix="cycle ", facts=through, report=report)
        numbers += measures.likeness(subject, painted, photos, judges, prefix="structure ", facts=facts, report=report)
        numbers += measures.distribution(subject, painted, originals[OTHER[start]], judges, facts=facts)
    return numbers


def _translated(
    pictures: PictureSet, folder: Path, direction: str, facts: Mapping[str, Any], session: Session, report: Report
) -> PictureSet:
    """Every picture as a PNG of the same name in the folder, rounded to 8 bits."""
    method, checkpoint = facts["method"], facts["checkpoint"]
    options = StylizeOptions(method=method, direction=direction, precision="fp32")
    painter = {"method": method, "direction": direction, "weights": {method: checkpoint["sha256"]}}
    targets = _targets(pictures, folder, painter, {"device": str(session.method(options).device)})
    for number, (path, target) in enumerate(zip(pictures.paths, targets, strict=True), 1):
        if not target.is_there:
            paint(PaintJob(FileSource(path, path.name), (), options, target=target), session)
        report(number, len(pictures), f"{direction} {checkpoint['name']}")
    return PictureSet(tuple(target.path for target in targets))


@dataclass(frozen=True)
class _Target(PaintingTarget):
    """A PNG file, known again by its record, which says everything that decides its pixels."""

    path: Path
    record: Record

    @property
    def is_there(self) -> bool:
        return self.path.exists() and find_record(self.path) == in_unicode(self.record)

    def write(self, picture: image.Picture, record: Record) -> None:
        image.write(picture, self.path, overwrite=True, record=self.record)


def _targets(pictures: PictureSet, folder: Path, painter: Mapping[str, Any], how: Mapping[str, Any]) -> list[_Target]:
    """Where what is made of the pictures lies, in a folder that is made. painter, how: what decides it besides them."""
    make_folder(folder)
    return [
        _Target(
            folder / f"{path.stem}.png",
            {
                "software": "impasto", **painter, "content": path.name, "content_sha256": digest, **how,
                "versions": software(),
            },
        )
        for path, digest in zip(pictures.paths, pictures.hashes, strict=True)
    ]  # fmt: skip


def _prepared(pictures: PictureSet, folder: Path, side: int | None) -> PictureSet:
    """The pictures as squares, bicubic and antialiased, in PNG files that are also what is compared with.

    Names must tell the pictures apart. A picture that has the size is copied without loss.
    """
    stems = [path.stem for path in pictures.paths]
    twice = {stem for stem in stems if stems.count(stem) > 1}
    if twice:
        raise DataError(f"two test pictures are called {sorted(twice)[0]}; their names must differ without suffixes")
    targets = _targets(pictures, folder, {}, {"side": side})
    for path, target in zip(pictures.paths, targets, strict=True):
        if not target.is_there:
            picture = pixels(path)
            target.write(tensors.to_picture(picture if side is None else tensors.resize(picture, side, side)), {})
    return PictureSet(tuple(target.path for target in targets))


def _named(numbers: Sequence[Number], name: str) -> list[Number]:
    return [replace(number, subject=f"{number.subject}, {name}") for number in numbers]


def _object(path: Path) -> dict[str, Any]:
    """What the file says; empty if it holds no object."""
    found = read_json(path)
    return found if isinstance(found, dict) else {}
