"""The one call that every door makes."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from impasto import image
from impasto.device import choose_device
from impasto.errors import Cancelled, OptionError
from impasto.methods import Stylizer, load_method
from impasto.options import STARTS, StylizeOptions
from impasto.progress import ProgressCallback
from impasto.record import Record, opened

PathLike = str | os.PathLike[str]
# What a picture may come as.
Source = PathLike | bytes | Image.Image | NDArray[Any] | Tensor


@dataclass(frozen=True)
class Painting:
    """A finished picture and how it was made. seconds: of painting alone, without loading and saving."""

    picture: image.Picture
    record: Record
    seconds: float


def load(
    method: str = "gatys",
    *,
    device: str = "auto",
    weights: PathLike | None = None,
    download: Callable[[int, int], None] | None = None,
) -> Stylizer:
    """A method that is ready to paint, to hand to `stylize` or `paint` for many pictures.

    device: auto, cpu, cuda, cuda:1, mps. weights: a local file for the encoder vgg19. download: told of (bytes, total)
    while weights are fetched. Raises OptionError, and WeightsError when they are first needed.
    """
    return load_method(
        method, choose_device(device), weights=None if weights is None else Path(weights), download=download
    )


Kind = TypeVar("Kind", bytes, Image.Image, NDArray[Any], Tensor)


@overload
def stylize(
    content: PathLike,
    style: Source | Sequence[Source],
    options: StylizeOptions | None = None,
    *,
    output: PathLike | None = None,
    overwrite: bool = False,
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    **choices: Any,
) -> Path: ...


@overload
def stylize(
    content: Kind,
    style: Source | Sequence[Source],
    options: StylizeOptions | None = None,
    *,
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    **choices: Any,
) -> Kind: ...


def stylize(
    content: Any,
    style: Source | Sequence[Source],
    options: StylizeOptions | None = None,
    *,
    output: PathLike | None = None,
    overwrite: bool = False,
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    **choices: Any,
) -> Any:
    """Paint a picture in the style of another one, or of several.

    content: a path, the bytes of a picture file, a PIL image, an array (H, W[, 1, 3 or 4]; uint8, uint16, or floats in
        [0, 1]) or a tensor ([1,] 3, H, W) in [0, 1]. The result is of the same kind. For a path it is the path of the
        new picture: `output`, or the content's name with `-impasto` before its suffix, beside it.
    style: one or several pictures of any of these kinds, whatever the content is.
    options, choices: how to paint; `stylize(photo, painting, preset="draft", size=512)` is short for options with these
        values. Everything that can be chosen is in `StylizeOptions`.
    overwrite: replace a file at `output`; the content and the styles are never overwritten.
    stylizer: from `load`, to load networks once for many pictures.
    progress: called with a `Progress` after every step; raising `Cancelled` in it stops the painting.

    Raises PictureError, OptionError, WeightsError, OutOfMemoryError, DivergedError; and Cancelled, whose `best` is the
    picture so far, of the result's kind (a PIL image for a path).
    """
    options = replace(options or StylizeOptions(), **_known(choices))
    is_path = isinstance(content, str | os.PathLike)
    if output is not None and not is_path:
        raise OptionError("output is for a content that is a path; other kinds are returned")
    styles = _as_list(style)
    target = _output_path(Path(content), output) if is_path else None
    if target is not None:
        # Before painting: minutes of work must not end in a name that is taken.
        sources = [content, *(s for s in styles if isinstance(s, str | os.PathLike))]
        image.check_target(target, overwrite=overwrite, sources=sources)
    picture = as_picture(content)
    try:
        painting = paint(picture, styles, options, stylizer=stylizer, progress=progress, content_name=_name(content))
    except Cancelled as stopped:
        if isinstance(stopped.best, image.Picture):
            stopped.best = image.to_pil(stopped.best) if is_path else _as_kind(stopped.best, content, {})
        raise
    if target is None:
        return _as_kind(painting.picture, content, painting.record)
    bits = depth(painting.picture, target)
    image.write(painting.picture, target, bits=bits, overwrite=overwrite, record=painting.record, sources=sources)
    return target


def paint(
    content: image.Picture,
    styles: Sequence[Source | image.Picture],
    options: StylizeOptions,
    *,
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    saving: Any = None,
    content_name: str = "",
    style_names: Sequence[str] = (),
) -> Painting:
    """What `stylize` does between reading and writing: resize, paint, give the alpha channel back, say how it was made.

    saving: a `methods.gatys.stylizer.Saving`, for a painting that can be resumed. content_name,
        style_names: for the record; the styles are called by their files if not named.
    Raises what `stylize` raises; `best` of Cancelled is a Picture.
    """
    if not styles:
        raise OptionError("at least one style is needed")
    stylizer = stylizer or load(options.method)
    options.blend_weights(len(styles))
    height, width = image.fit(content.height, content.width, options.size)
    pixels = image.resize(content.pixels, height, width)
    start = None if options.init in STARTS else image.read(options.init).pixels
    pictures = [as_picture(style) for style in styles]
    began = time.monotonic()
    try:
        result = stylizer(
            pixels, [picture.pixels for picture in pictures], options, start=start, progress=progress, saving=saving
        )
    except Cancelled as stopped:
        if isinstance(stopped.best, Tensor):
            stopped.best = _like(stopped.best, content)
        raise
    seconds = time.monotonic() - began
    picture = _like(result, content)
    names = style_names or [_name(style) for style in styles]
    record = make_record(picture, options, stylizer, content_name=content_name, style_names=names, seconds=seconds)
    return Painting(picture, record, seconds)


def make_record(
    picture: image.Picture,
    options: StylizeOptions,
    stylizer: Stylizer,
    *,
    content_name: str,
    style_names: Sequence[str],
    seconds: float,
) -> Record:
    """How a picture was made, to be written into its file."""
    return {
        "software": "impasto",
        "version": version("impasto"),
        "method": options.method,
        "options": asdict(options),
        "seed": options.seed,
        "weights": stylizer.weights_hashes(options),
        "device": str(stylizer.device),
        "content": content_name,
        "style": list(style_names),
        "size": [picture.width, picture.height],
        "seconds": round(seconds, 2),
    }


def as_picture(source: Source | image.Picture) -> image.Picture:
    """Any kind of picture as a `Picture`. Raises PictureError, which names what is wrong."""
    match source:
        case image.Picture():
            return source
        case Tensor():
            return image.from_tensor(source)
        case np.ndarray():
            return image.from_array(source)
        case Image.Image():
            return image.from_pil(source)
        case str() | bytes() | os.PathLike():
            return image.read(source)
    raise OptionError(
        f"a picture must be a path, bytes, a PIL image, an array or a tensor, not {type(source).__name__}"
    )


def depth(picture: image.Picture, target: Path) -> int:
    """Bits per channel to write: the content's own, where the format of `target` can hold them."""
    return picture.bits if image.FORMATS.get(target.suffix.lower()) in ("PNG", "TIFF") else 8


def _as_kind(picture: image.Picture, source: Any, record: Record) -> Any:
    match source:
        case Tensor():
            return picture.pixels.reshape(*source.shape[:-3], *picture.pixels.shape[1:]).to(source)
        case np.ndarray():
            return image.to_array(picture, source.dtype, 0 if source.ndim == 2 else source.shape[2])
        case bytes():
            with opened(source) as file:
                kind = str(file.format).lower()
            kind = kind if f".{kind}" in image.FORMATS else "png"
            return image.encode(picture, kind, bits=depth(picture, Path(f"x.{kind}")), record=record)
    return image.to_pil(picture)


def _like(pixels: Tensor, content: image.Picture) -> image.Picture:
    """The painted pixels with the content's transparency and bit depth."""
    height, width = pixels.shape[-2:]
    alpha = None if content.alpha is None else image.resize(content.alpha, height, width)
    return image.Picture(pixels, alpha, content.bits)


def _output_path(content: Path, output: PathLike | None) -> Path:
    if output is not None:
        return Path(output)
    suffix = content.suffix if content.suffix.lower() in image.FORMATS else ".png"
    return content.with_name(f"{content.stem}-impasto{suffix}")


def _as_list(style: Any) -> list[Any]:
    return list(style) if isinstance(style, list | tuple) else [style]


def _name(source: Any) -> str:
    return Path(source).name if isinstance(source, str | os.PathLike) else type(source).__name__


def _known(choices: dict[str, Any]) -> dict[str, Any]:
    names = [item.name for item in fields(StylizeOptions)]
    for name in choices:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise OptionError(f"no option '{name}'{hint}")
    return choices
