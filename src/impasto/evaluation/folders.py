"""Folders of pictures that any program made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from impasto.errors import OptionError
from impasto.evaluation import measures, traps
from impasto.evaluation.judges import Judges
from impasto.evaluation.number import Number
from impasto.evaluation.pairing import partners
from impasto.evaluation.picture_set import PictureSet


@dataclass(frozen=True, kw_only=True)
class Folders:
    """outputs: what was made. content: what of. style: after what. reference: real pictures of the kind that outputs
    should look like; by default the styles. floor: other real pictures of that kind, which tell how small a distance of
    sets can get; without them, the reference's halves do.
    """

    outputs: PictureSet
    content: PictureSet | None = None
    style: PictureSet | None = None
    reference: PictureSet | None = None
    floor: PictureSet | None = None
    pair: str = "name"
    seed: int = 0


def evaluate_folders(
    folders: Folders, judges: Judges, *, warn: Callable[[str], None], report: measures.Report | None = None
) -> list[Number]:
    """Everything that can be measured of these folders. warn: told of what to know about the numbers.

    Raises OptionError if there is nothing to compare with, DataError if pairs do not match, PictureError.
    """
    others = {
        name: found
        for name in ("content", "style", "reference", "floor")
        if (found := getattr(folders, name)) is not None
    }
    if not others.keys() - {"floor"}:
        raise OptionError("outputs are compared with --content, --style or --reference; none was given")
    outputs = folders.outputs
    pairs = {
        role: partners(outputs, others[role], role, folders.pair) for role in ("content", "style") if role in others
    }
    for line in traps.warnings({"outputs": outputs}, others):
        warn(line)
    numbers: list[Number] = []
    content: list[Number] = []
    facts = {"pairs": f"by {folders.pair}"}
    if "content" in pairs:
        content = measures.likeness("outputs", outputs, pairs["content"], judges, facts=facts, report=report)
        numbers += content
    if "style" in pairs:
        numbers += measures.style("outputs", outputs, pairs["style"], judges, facts=facts, report=report)
    extremes = _extremes(pairs["content"], pairs["style"], judges, facts) if len(pairs) == 2 else {}
    numbers += [number for parts in extremes.values() for part in parts for number in part]
    reference = folders.reference or folders.style
    if reference is not None and len(reference) > 1:
        numbers += _of_sets(folders, reference, content, extremes, judges)
    elif reference is not None:
        warn("one picture is no set: FID and KID need a --reference of many")
    tell(numbers, judges, warn)
    return numbers


def tell(numbers: Sequence[Number], judges: Judges, warn: Callable[[str], None]) -> None:
    """What the numbers' protocols warn of, each once, and which networks were missing."""
    warned = [line for number in numbers if (line := number.protocol.get("warning"))]
    for line in dict.fromkeys([*warned, *judges.missing]):
        warn(line)


PHOTO, PAINTING = "identity: content", "identity: style"


def _extremes(
    content: PictureSet, style: PictureSet, judges: Judges, facts: measures.Facts
) -> dict[str, tuple[list[Number], list[Number]]]:
    """{subject: (numbers of content, of style)} of two answers that are none: the photo untouched and the painting
    itself. A measure that prefers one of them to the outputs does not measure the transfer of style."""
    same = measures.likeness(PHOTO, content, content, judges, facts=facts)
    return {
        # Of equal pictures, the PSNR is infinite.
        PHOTO: (
            [one for one in same if one.measure != "PSNR"],
            measures.style(PHOTO, content, style, judges, facts=facts),
        ),
        PAINTING: (
            measures.likeness(PAINTING, style, content, judges, squeezed=True, facts=facts),
            measures.style(PAINTING, style, style, judges, facts=facts),
        ),
    }


def _of_sets(
    folders: Folders,
    reference: PictureSet,
    content: list[Number],
    extremes: Mapping[str, tuple[list[Number], list[Number]]],
    judges: Judges,
) -> list[Number]:
    """The outputs' distance, what it would be if nothing had been done or the painting given back, and how small it can
    get."""
    sets = {"outputs": folders.outputs, PHOTO: folders.content, PAINTING: folders.style if extremes else None}
    likeness = {"outputs": content} | {subject: found for subject, (found, _) in extremes.items()}
    numbers = []
    for subject, pictures in sets.items():
        if pictures is not None:
            found = measures.distribution(subject, pictures, reference, judges, seed=folders.seed)
            numbers += [*found, *measures.art_fid(subject, likeness.get(subject, []), found)]
    return numbers + real_floor(reference, folders.floor, judges, folders.seed)


def real_floor(reference: PictureSet, others: PictureSet | None, judges: Judges, seed: int) -> list[Number]:
    """Real against real pictures. Halves are small sets, whose FID is higher for that alone: their subject says it."""
    if others is not None:
        return measures.distribution("floor: other real pictures", others, reference, judges, seed=seed)
    return measures.distribution("floor: halves of the reference", *reference.halves(), judges, seed=seed)
