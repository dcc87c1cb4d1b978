"""Sets of pictures: what is in their files, which output belongs to which picture, and what to know about them."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from impasto import image, tensors
from impasto.data.folders import list_pictures
from impasto.errors import DataError, PictureError
from impasto.record import opened, read_record
from impasto.weights import sha256_of

SHOWN = 5
"""Names in a message."""


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures, known by what is in its files and not by where they lie.

    paths: in their order, which pairs by order go by.
    """

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of every file."""
        return tuple(sha256_of(path) for path in self.paths)

    @cached_property
    def about(self) -> dict[str, Any]:
        """What a protocol says of the set. sha256: of all names and contents, in the order of the names."""
        lines = sorted(f"{path.name}\0{digest}\n" for path, digest in zip(self.paths, self.hashes, strict=True))
        sizes: Counter[str] = Counter()
        formats: Counter[str] = Counter()
        for path in self.paths:
            with opened(path) as file:
                sizes[f"{file.width} x {file.height}"] += 1
                formats[str(file.format)] += 1
        return {
            "count": len(self),
            "sha256": hashlib.sha256(os.fsencode("".join(lines))).hexdigest(),
            "sizes": dict(sizes.most_common(5)) | ({"others": len(self)} if len(sizes) > 5 else {}),
            "formats": dict(formats),
        }


def picture_set(where: Sequence[Path]) -> PictureSet:
    """The pictures that files and folders hold. Raises DataError for one that holds none."""
    return PictureSet(tuple(list_pictures(where)))


def pixels(path: Path) -> Tensor:
    """(1, 3, H, W) in [0, 1], on white where it is transparent. Raises PictureError."""
    return tensors.to_tensor(image.on_white(image.read(path)))


def of_area(picture: Tensor, area: int) -> Tensor:
    """The picture with its own proportions and about so many pixels."""
    height, width = picture.shape[-2:]
    factor = (area / (height * width)) ** 0.5
    return tensors.resize(picture, max(1, round(height * factor)), max(1, round(width * factor)))


# --- which belongs to which. A wrong pair is a wrong number that nobody sees, so nothing is guessed ------------------


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
    chosen = [_partner(output, by_stem, role) for output in outputs.paths]
    if alone := [path.name for path, partner in zip(outputs.paths, chosen, strict=True) if partner is None]:
        raise DataError(f"no {role} picture is called like {_names(alone)}; --pair order pairs them as they are sorted")
    unused = [path.name for path in others.paths if path not in chosen]
    if unused and role == "content":
        raise DataError(
            f"no output belongs to the content {_names(unused)}; outputs for all of them, or fewer contents"
        )
    return PictureSet(tuple(partner for partner in chosen if partner is not None))


def _partner(output: Path, by_stem: Mapping[str, Path], role: str) -> Path | None:
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
    names = value if isinstance(value, list) else [value]
    return [name for name in names if isinstance(name, str)]


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


# --- what makes a number mean something else than it seems to ---------------------------------------------------------


def warnings(outputs: Mapping[str, PictureSet], reals: Mapping[str, PictureSet]) -> list[str]:
    """Lines for a person, as far as the files tell. outputs: sets that a method made. reals: that they are compared
    with."""
    lines = []
    for name, pictures in outputs.items():
        lossy = sum(count for kind, count in pictures.about["formats"].items() if kind in ("JPEG", "WEBP"))
        if lossy:
            lines.append(
                f"{lossy} of {len(pictures)} {name} are JPEG or WebP: FID and KID measure the compression as well; save"
                " pictures as PNG"
            )
    for name, pictures in reals.items():
        shapes = [size.split(" x ") for size in pictures.about["sizes"] if size != "others"]
        ratios = [int(width) / int(height) for width, height in shapes]
        if max(ratios) >= 1.05 * min(ratios) or abs(max(ratios) - 1) >= 0.05:
            lines.append(
                f"{name}: some are not square; FID and KID see them squeezed to squares, as published programs do"
            )
    for (name, pictures), (other, others) in combinations({**outputs, **reals}.items(), 2):
        shared = len(set(pictures.hashes) & set(others.hashes))
        if shared:
            lines.append(f"{shared} files are among the {name} and among the {other}: is this the right set?")
    return lines
