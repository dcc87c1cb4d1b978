"""Which picture belongs to which. A wrong pair is a wrong number that nobody sees, so nothing is guessed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from impasto.errors import DataError, PictureError
from impasto.evaluation.picture_set import PictureSet
from impasto.record import read_record

SHOWN = 5


def partners(outputs: PictureSet, others: PictureSet, role: Literal["content", "style"], rule: str) -> PictureSet:
    """For every output its content or style, in the order of the outputs.

    rule: 'order' takes both lists as they are. 'name' takes the picture of the same name without suffix; or the one
    that impasto's record in the output names; or, for outputs named CONTENT-STYLE, the one whose name the output's
    begins or ends with. A single style belongs to all outputs. Raises DataError, with the names, unless every output
    has one and, for contents, every one of them an output.
    """
    if len(others) == 1 and role == "style":
        return PictureSet(others.paths * len(outputs))
    if rule == "order":
        if len(outputs) != len(others):
            raise DataError(
                f"{len(outputs)} outputs cannot be paired with {len(others)} {role} pictures in their order"
            )
        return others
    by_stem: dict[str, Path] = {}
    for path in others.paths:
        if by_stem.setdefault(path.stem, path) != path:
            raise DataError(f"{path} and {by_stem[path.stem]} have one name; pair by order, or take one of them away")
    found = [_partner(output, by_stem, role) for output in outputs.paths]
    alone = [path.name for path, partner in zip(outputs.paths, found, strict=True) if partner is None]
    if alone:
        raise DataError(f"no {role} picture is called like {_names(alone)}; --pair order pairs them as they are sorted")
    unused = [path.name for path in others.paths if path not in found]
    if unused and role == "content":
        raise DataError(
            f"no output belongs to the content {_names(unused)}; outputs for all of them, or fewer contents"
        )
    return PictureSet(tuple(path for path in found if path is not None))


def _partner(output: Path, by_stem: dict[str, Path], role: str) -> Path | None:
    if output.stem in by_stem:
        return by_stem[output.stem]
    for name in _recorded(output, role):
        if Path(name).stem in by_stem:
            return by_stem[Path(name).stem]
    # The longest, because one name may begin with another.
    for stem in sorted(by_stem, key=len, reverse=True):
        if output.stem.startswith(f"{stem}-") if role == "content" else output.stem.endswith(f"-{stem}"):
            return by_stem[stem]
    return None


def _recorded(output: Path, role: str) -> list[str]:
    try:
        value = read_record(output).get(role)
    except PictureError:
        return []
    names = [value] if isinstance(value, str) else value
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
