"""Films that are pictures to Pillow: folders of frames, and animated WebP."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from impasto import image
from impasto.errors import PictureError
from impasto.gallery import is_picture
from impasto.record import explained
from impasto.video.reading import NO_FILM, Clip, Frame, Pixels

# Of a folder that does not say.
FOLDER_RATE = Fraction(25)

MILLISECONDS = Fraction(1, 1000)


def open_folder(path: Path, fps: Fraction | None) -> Clip:
    """A folder's pictures in the order of their names. Raises PictureError if there is none that can be read."""
    names = _pictures(path)
    first = next((one for name in names if (one := _read(name)) is not None), None)
    if first is None:
        raise PictureError(f"{path}: this folder holds no pictures that can be read")
    rate = fps or FOLDER_RATE
    has_alpha = first.alpha is not None
    return Clip(path, 1 / rate, rate, first.height, first.width, first.bits, has_alpha, count=len(names), is_film=False)


def read_folder(clip: Clip, size: tuple[int, int], begin: int | None = None) -> Iterator[Frame]:
    """As `reading.read_film`."""
    for number, path in enumerate(_pictures(clip.path)):
        if number < (begin or 0):
            continue
        try:
            picture = image.read(path)
            if (picture.height, picture.width) != (clip.height, clip.width):
                raise PictureError(
                    f"{path}: is of {picture.width} x {picture.height} pixels, the first frame of {clip.width} x"
                    f" {clip.height}"
                )
            yield Frame(number, 1, to_pixels(picture, clip, size), is_key=True)
        except PictureError as error:
            yield Frame(number, 1, None, problem=str(error))


def _pictures(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if is_picture(one))


def _read(path: Path) -> image.Picture | None:
    try:
        return image.read(path)
    except PictureError:
        return None


def to_pixels(picture: image.Picture, clip: Clip, size: tuple[int, int]) -> Pixels:
    """The picture as a frame of the clip."""
    pixels = image.resize(picture.pixels, *size)
    alpha = None if picture.alpha is None else image.resize(picture.alpha, *size)
    kind = np.uint16 if clip.bits > 8 else np.uint8
    return image.to_array(image.Picture(pixels, alpha), kind, 4 if clip.has_alpha else 3)


def is_webp(path: Path) -> bool:
    """By its first bytes."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[:4] == b"RIFF" and start[8:] == b"WEBP"


def open_webp(path: Path) -> Clip:
    """An animated WebP, which PyAV cannot read. Raises PictureError."""
    with explained(str(path)), Image.open(path) as file:
        count = int(getattr(file, "n_frames", 1))
        if count == 1:
            raise PictureError(NO_FILM)
        durations = []
        for number in range(min(count, 10)):
            file.seek(number)
            file.load()
            durations.append(int(file.info.get("duration", 0)) or 100)
        rate = Fraction(1000 * len(durations), sum(durations))
        has_alpha = file.mode == "RGBA"
        return Clip(path, MILLISECONDS, rate, file.height, file.width, 8, has_alpha, count=count, is_film=False)


def read_webp(clip: Clip, size: tuple[int, int], begin: int | None = None) -> Iterator[Frame]:
    """As `reading.read_film`."""
    pts = 0
    with explained(str(clip.path)), Image.open(clip.path) as file:
        for number in range(clip.count or 1):
            file.seek(number)
            file.load()
            duration = int(file.info.get("duration", 0)) or 100
            if begin is None or pts >= begin:
                form = file.convert("RGBA" if clip.has_alpha else "RGB")
                scaled = form if form.size == size[::-1] else form.resize(size[::-1], Image.Resampling.LANCZOS)
                yield Frame(pts, duration, np.array(scaled), is_key=number == 0)
            pts += duration
