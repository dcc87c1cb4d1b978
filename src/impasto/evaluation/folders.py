"""Folders of pictures that any program made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from impasto.evaluation import measures
from impasto.evaluation.judges import Judges
from impasto.evaluation.numbers import Number
from impasto.evaluation.pictures import PictureSet, partners, warnings
from impasto.report.variants import Report

PHOTO, PAINTING = "identity: content", "identity: style"
"""Two answers that are none: the photo untouched and the painting itself. A measure that prefers one of them to the
outputs does not measure the transfer of style."""


@dataclass(frozen=True, kw_only=True)
class Folders:
    """outputs: what was made. content: what of. style: after what. reference: real pictures of the kind that outputs
    should look like; by default the styles. floor: other real pictures of that kind, which tell how small a distance of
    sets can get; without them, the reference's halves do. One of content, style and reference has to be there.
    """

    outputs: PictureSet
    content: PictureSet | None = None
    style: PictureSet | None = None
    reference: PictureSet | None = None
    floor: PictureSet | None = None
    pair: str = "name"


def evaluate_folders(
    folders: Folders, judges: Judges, *, warn: Callable[[str], None], report: Report = lambda *_: None
) -> list[Number]:
    """Everything that can be measured of these folders. warn: told of what to know about the numbers.

    Raises DataError if pairs do not match, PictureError.
    """
    outputs, facts = folders.outputs, {"pairs": f"by {folders.pair}"}
    content = folders.content and partners(outputs, folders.content, "content", folders.pair)
    style = folders.style and partners(outputs, folders.style, "style", folders.pair)
    others = {name: getattr(folders, name) for name in ("content", "style", "reference", "floor")}
    for line in warnings({"outputs": outputs}, {name: other for name, other in others.items() if other}):
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
    reference = folders.reference or folders.style
    if reference and len(reference) > 1:
        numbers += _of_sets(folders, reference, numbers, judges)
    elif reference:
        warn("one picture is no set: FID and KID need a --reference of many")
    tell(numbers, judges, warn)
    return numbers


def tell(numbers: Sequence[Number], judges: Judges, warn: Callable[[str], None]) -> None:
    """What the numbers' protocols warn of, each once, and which networks were missing."""
    warned = [line for number in numbers if (line := number.protocol.get("warning"))]
    for line in dict.fromkeys([*warned, *judges.missing]):
        warn(line)


def _of_sets(folders: Folders, reference: PictureSet, of_pairs: Sequence[Number], judges: Judges) -> list[Number]:
    """The outputs' distance, what it would be if nothing had been done or the painting given back, and how small it can
    get. of_pairs: what was measured of pairs."""
    numbers = []
    painting = folders.style if folders.content else None
    for subject, pictures in (("outputs", folders.outputs), (PHOTO, folders.content), (PAINTING, painting)):
        if pictures:
            distances = measures.distribution(subject, pictures, reference, judges)
            numbers += [*distances, *measures.art_fid([*of_pairs, *distances], subject)]
    return numbers + measures.real_floor(reference, folders.floor, judges)
