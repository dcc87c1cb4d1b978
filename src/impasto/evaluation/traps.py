"""What makes a number mean something else than it seems to, said where it can be seen from the files."""

from collections.abc import Mapping

from impasto.evaluation.picture_set import PictureSet


def warnings(outputs: Mapping[str, PictureSet], reals: Mapping[str, PictureSet]) -> list[str]:
    """Lines for a person. outputs: sets that a method made. reals: sets that they are compared with."""
    return [
        *(line for name, pictures in outputs.items() for line in _of_jpeg(name, pictures)),
        *(line for name, pictures in reals.items() for line in _of_proportions(name, pictures)),
        *_of_overlap({**outputs, **reals}),
    ]


def _of_jpeg(name: str, pictures: PictureSet) -> list[str]:
    lossy = sum(count for kind, count in pictures.about["formats"].items() if kind in ("JPEG", "WEBP"))
    if not lossy:
        return []
    return [
        f"{lossy} of {len(pictures)} {name} are JPEG or WebP: FID and KID measure the compression as well; save"
        " pictures as PNG"
    ]


def _of_proportions(name: str, pictures: PictureSet) -> list[str]:
    shapes = [tuple(map(int, size.split(" x "))) for size in pictures.about["sizes"] if size != "others"]
    ratios = [width / height for width, height in shapes]
    if max(ratios, default=1) < 1.05 * min(ratios, default=1) and abs(max(ratios, default=1) - 1) < 0.05:
        return []
    return [f"{name}: some are not square; FID and KID see them squeezed to squares, as published programs do"]


def _of_overlap(sets: Mapping[str, PictureSet]) -> list[str]:
    lines = []
    names = list(sets)
    for number, name in enumerate(names):
        for other in names[number + 1 :]:
            shared = len(set(sets[name].hashes) & set(sets[other].hashes))
            if shared:
                lines.append(f"{shared} files are among the {name} and among the {other}: is this the right set?")
    return lines
