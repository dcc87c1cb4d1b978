"""The one call that every door makes."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from impasto import __version__, image, methods
from impasto.device import check_memory, choose_device, needed_torch, prepare_for_forks
from impasto.engine.raster import Resized
from impasto.engine.room import materialised, room
from impasto.engine.styles import Style as EncodedStyle
from impasto.errors import Cancelled, OptionError
from impasto.finish import Finish
from impasto.gallery import is_encoded, style_file
from impasto.masks import content_with_opacity, match_visible, regions, style_pixels, together, visible, visible_colours
from impasto.methods import DEFAULT, Stylizer, combined, load_encoded, load_method, refinement
from impasto.options import Options
from impasto.progress import Progress, ProgressCallback
from impasto.record import Record
from impasto.sources import PathLike, Source, as_kind, as_list, as_mask, as_picture, depth, like

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

# What a style may come as: a file NAME.style.safetensors counts as a path, as does the name of one of impasto's own.
StyleSource = Source | EncodedStyle
Floats = NDArray[np.float32]
PICTURES = 3 * 3 * 4  # bytes of a pixel before it is painted, after, and as it will be written


@dataclass(frozen=True)
class Painting:
    """A finished picture and how it was made. seconds: of painting alone, without loading and saving."""

    picture: image.Picture
    record: Record
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the pictures are called in the record of a painting."""

    content: str = ""
    styles: Sequence[str] = ()
    masks: Sequence[str] = ()


def load(
    method: str = DEFAULT,
    *,
    device: str = "auto",
    weights: PathLike | None = None,
    download: Callable[[int, int], None] | None = None,
) -> Stylizer:
    """A method that is ready to paint, to hand to `stylize` or `paint` for many pictures.

    device: auto, cpu, cuda, cuda:1, mps. weights: a local file for the encoder vgg19, or what a method's training
    wrote, or a name of weights that come with impasto, such as "monet". download: told of (bytes, total) while weights
    are fetched. Raises OptionError, and WeightsError when they are first needed.
    """
    return load_method(
        method, choose_device(device), weights=None if weights is None else Path(weights), download=download
    )


Kind = TypeVar("Kind", bytes, "Image", NDArray[Any], "Tensor")


@overload
def stylize(
    content: PathLike,
    style: StyleSource | Sequence[StyleSource] | None = (),
    options: Options | None = None,
    *,
    masks: Source | Sequence[Source | None] | None = (),
    output: PathLike | None = None,
    overwrite: bool = False,
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    **choices: Any,
) -> Path: ...


@overload
def stylize(
    content: Kind,
    style: StyleSource | Sequence[StyleSource] | None = (),
    options: Options | None = None,
    *,
    masks: Source | Sequence[Source | None] | None = (),
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    **choices: Any,
) -> Kind: ...


def stylize(
    content: Any,
    style: StyleSource | Sequence[StyleSource] | None = (),
    options: Options | None = None,
    *,
    masks: Source | Sequence[Source | None] | None = (),
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
    style: one or several pictures of any of these kinds, whatever the content is; or names of impasto's own, such as
        "starry-night" (`impasto styles` lists them); or styles from `encode_style`, or the files that they were saved
        to. None for a method whose weights are its style.
    masks: where each style goes, white where it does; one per style, None (or one less than there are styles) for what
        the others leave. Where no style goes, the content stays as it is. Of any of these kinds, and arrays and tensors
        of bool, of 0 and 1, or without channels.
    options, choices: how to paint; `stylize(photo, painting, preset="draft", size=512)` is short for options with these
        values, which `StylizeOptions` makes.
    overwrite: replace a file at `output`; the content and the styles are never overwritten.
    stylizer: from `load`, to load networks once for many pictures.
    progress: called with a `Progress` after every step; raising `Cancelled` in it stops the painting.

    Raises PictureError, OptionError, WeightsError, OutOfMemoryError, DivergedError; and Cancelled, whose `best` is the
    picture so far, of the result's kind (a PIL image for a path).
    """
    options = combined(options, choices, method=stylizer.method if stylizer else None)
    is_path = isinstance(content, str | os.PathLike)
    if output is not None and not is_path:
        raise OptionError("output is for a content that is a path; other kinds are returned")
    styles, masks = as_list(style), as_list(masks)
    picture = as_picture(content)
    target = None
    if is_path:
        # Before painting: minutes of work must not end in a name that is taken.
        chosen = _beside(Path(content)) if output is None else output
        sources = [content, *styles, *masks, *options.files.values(), stylizer.weights if stylizer else None]
        image.check_target(chosen, overwrite=overwrite, sources=sources)
        target = Path(chosen)
        image.check_size(target, *image.fit(picture.height, picture.width, options.size))
    names = Names(content=_name(content), styles=names_of(styles), masks=names_of(masks))
    try:
        painting = paint(picture, styles, options, masks=masks, stylizer=stylizer, progress=progress, names=names)
    except Cancelled as stopped:
        if isinstance(stopped.best, image.Picture):
            stopped.best = image.to_pil(stopped.best) if is_path else as_kind(stopped.best, content, {})
        raise
    if target is None:
        return as_kind(painting.picture, content, painting.record)
    bits = depth(painting.picture, target)
    image.write(painting.picture, target, bits=bits, overwrite=overwrite, record=painting.record, sources=sources)
    return target


def encode_style(
    style: Source, options: Options | None = None, *, stylizer: Stylizer | None = None, **choices: Any
) -> EncodedStyle:
    """A painting, encoded once for any number of contents; `save` it, or hand it to `stylize` as a style.

    options, choices: of a method that takes encoded styles; encoder, style_scale and precision matter here.
    stylizer: from `load`.
    Raises PictureError, OptionError, WeightsError, OutOfMemoryError.
    """
    options = combined(options, choices, method=stylizer.method if stylizer else None)
    stylizer = stylizer or load(options.method)
    if not options.encoded:
        raise OptionError(f"method is '{options.method}', which does not paint from encoded styles")
    prepare_for_forks()
    pixels = as_style(style, options)
    if not isinstance(pixels, np.ndarray):
        raise OptionError(f"style '{pixels.name}' is encoded already; impasto paints from it as it is")
    encoded: EncodedStyle = stylizer.encode(pixels, options, name=_name(style))  # type: ignore[attr-defined]
    return encoded


def paint(
    content: image.Picture,
    styles: Sequence[StyleSource | image.Picture],
    options: Options,
    *,
    masks: Sequence[Source | image.Picture | None] = (),
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    saving: Any = None,
    names: Names | None = None,
) -> Painting:
    """What `stylize` does between reading and writing: resize, paint, give the alpha channel back, say how it was made.

    saving: a `Saving`, for a painting that can be resumed. names: for the record.
    Raises what `stylize` raises; `best` of Cancelled is a Picture.
    """
    options.check_styles(len(styles), masks=len(masks))
    seen = [as_style(style, options) for style in styles]
    stylizer = stylizer or load(options.method)
    if stylizer.method != options.method:
        raise OptionError(f"method is '{options.method}', but the stylizer that was given is of {stylizer.method}")
    size = image.fit(content.height, content.width, options.size)
    called = names or Names(styles=names_of(styles), masks=names_of(masks))
    if content.height * content.width > image.WHOLE and content.alpha is None and options.in_parts:
        return _painted_in_parts(content, seen, options, masks, stylizer, progress, called)
    check_memory(stylizer.device, *size, _bytes_per_pixel(stylizer, options, len(masks) or content.alpha is not None))
    pixels = image.resize(content_with_opacity(content), *size)
    maps = _maps(masks, len(styles), *size)
    start = None if options.start is None else visible_colours(image.read(options.start))
    finish = Finish(visible(pixels)[0], maps, options)
    prepare_for_forks()
    began = time.monotonic()
    try:
        result = _painted(stylizer, pixels, seen, options, maps, start, finish.watching(progress), saving)
    except Cancelled as stopped:
        if isinstance(stopped.best, np.ndarray):
            stopped.best = like(finish(stopped.best), content)
        raise
    picture = like(finish(result), content)
    seconds = time.monotonic() - began
    return Painting(picture, make_record(picture, options, stylizer, called, seconds, finish.last), seconds)


def _painted_in_parts(
    content: image.Picture,
    styles: Sequence[Floats | EncodedStyle],
    options: Options,
    masks: Sequence[Source | image.Picture | None],
    stylizer: Stylizer,
    progress: ProgressCallback | None,
    names: Names,
) -> Painting:
    """A large picture, of which nothing is held in memory but what is being painted, and masks."""
    size = image.fit(content.height, content.width, options.size)
    check_memory(stylizer.device, *size, 8 * len(masks))
    maps = _maps(masks, len(styles), *size)
    prepare_for_forks()
    began = time.monotonic()
    photo = content.raster if size == content.raster.size else materialised(Resized(content.raster, size))
    finish = Finish(photo, maps, options)
    kept = room(1, 3, *size, image.numbers_of(content))
    stylizer.paint_in_parts(  # type: ignore[attr-defined]
        photo, styles, options, masks=maps, write=lambda place, part: kept.write(place, finish.part(place, part))
    )
    picture = image.Picture(kept, bits=content.bits)
    if progress:
        progress(Progress(step=1, total=1, size=size, preview=lambda: picture.pixels))
    seconds = time.monotonic() - began
    return Painting(picture, make_record(picture, options, stylizer, names, seconds), seconds)


def paint_batch(
    contents: Sequence[image.Picture],
    styles: Sequence[StyleSource | image.Picture],
    options: Options,
    *,
    stylizer: Stylizer,
    names: Sequence[Names],
) -> list[Painting]:
    """`paint` for pictures of one size at once, where the options `batches`; their seconds are each one's share.

    Raises what `paint` raises, for all of them.
    """
    size, *others = {image.fit(content.height, content.width, options.size) for content in contents}
    if not options.batches or others:
        raise OptionError("only pictures of one size, of which nothing but their own features counts, go at once")
    check_memory(stylizer.device, *size, len(contents) * _bytes_per_pixel(stylizer, options))
    pixels = [image.resize(content_with_opacity(content), *size) for content in contents]
    prepare_for_forks()
    began = time.monotonic()
    results = methods.painted_by(stylizer, together(pixels), [as_style(style, options) for style in styles], options)
    pictures = [
        like(Finish(visible(before)[0], None, options)(after), content)
        for before, after, content in zip(pixels, np.split(results, len(contents)), contents, strict=True)
    ]
    seconds = (time.monotonic() - began) / len(contents)
    return [
        Painting(picture, make_record(picture, options, stylizer, called, seconds), seconds)
        for picture, called in zip(pictures, names, strict=True)
    ]


def _painted(
    stylizer: Stylizer,
    pixels: Floats,
    styles: Sequence[Floats | EncodedStyle],
    options: Options,
    maps: Sequence[Floats] | None,
    start: Floats | None,
    progress: ProgressCallback | None,
    saving: Any,
) -> Floats:
    """What the method makes of it, and of that what the refinement makes."""
    pictures: Sequence[Any] = styles
    if options.needs_pictures:
        pictures = [style if isinstance(style, np.ndarray) else style.pixels(options) for style in styles]
    if options.colour == "match":
        styles = pictures = [match_visible(picture, pixels) for picture in pictures]
    if refining := refinement(options):
        start = methods.painted_by(stylizer, pixels, styles, options, masks=maps, start=start)
        stylizer, styles, options = _refiner(stylizer, options), pictures, refining
    return methods.painted_by(
        stylizer, pixels, styles, options, masks=maps, start=start, progress=progress, saving=saving
    )


def _bytes_per_pixel(stylizer: Stylizer, options: Options, regions: int = 0) -> float:
    """Memory of one pixel at the peak of everything that is done to a picture."""
    needed = stylizer.bytes_per_pixel(options, regions=regions)
    if refining := refinement(options):
        needed = max(needed, _refiner(stylizer, options).bytes_per_pixel(refining, regions=regions))
    return needed + PICTURES


def _refiner(stylizer: Stylizer, options: Options) -> Stylizer:
    """Kept from one picture to the next, as the stylizer is."""
    needed_torch(options.refinement_choice)
    return _loaded_refiner(str(stylizer.device), stylizer.weights)


@lru_cache(maxsize=1)
def _loaded_refiner(device: str, weights: Path | None) -> Stylizer:
    return load_method(methods.REFINER, choose_device(device), weights=weights)


def _maps(masks: Sequence[Source | image.Picture | None], styles: int, height: int, width: int) -> list[Floats] | None:
    """The masks as shares of every position. Raises OptionError if they do not fit the styles."""
    if not masks:
        return None
    pictures = [None if mask is None else as_mask(mask) for mask in masks]
    return regions(pictures, styles, height, width)


def as_style(source: StyleSource | image.Picture, options: Options) -> Floats | EncodedStyle:
    """Pixels (1, 3 or 4, h, w), opacity last, or what was encoded. Raises PictureError, OptionError, WeightsError."""
    if _is_encoded(source):
        return source
    if isinstance(source, str | os.PathLike):
        file = style_file(os.fspath(source))
        if is_encoded(file):
            return load_encoded(file, os.fspath(source), options)
        source = file
    return style_pixels(as_picture(source))  # type: ignore[arg-type]


def make_record(
    picture: image.Picture, options: Options, stylizer: Stylizer, names: Names, seconds: float,
    last: Progress | None = None,
) -> Record:  # fmt: skip
    """How a picture was made, to be written into its file. last: what was last reported of painting it."""
    losses = dict(last.best_losses) if last else {}
    return {
        "software": "impasto",
        "version": __version__,
        "method": options.method,
        "options": options.to_json(),
        **({"by_preset": decided} if (decided := (refinement(options) or options).by_preset()) else {}),
        "seed": options.seed,
        "weights": stylizer.weights_hashes(options),
        "device": str(stylizer.device),
        "content": names.content,
        "style": list(names.styles),
        **({"masks": list(names.masks)} if names.masks else {}),
        "size": [picture.width, picture.height],
        "seconds": round(seconds, 2),
        **({"retreats": last.retreats} if last and options.takes_steps else {}),
        **({"loss": total, "losses": losses} if losses and math.isfinite(total := sum(losses.values())) else {}),
    }


def _beside(content: Path) -> Path:
    suffix = content.suffix if content.suffix.lower() in image.FORMATS else ".png"
    return content.with_name(f"{content.stem}-impasto{suffix}")


def _is_encoded(source: Any) -> TypeGuard[EncodedStyle]:
    return hasattr(source, "pixels") and hasattr(source, "scale")


def _name(source: Any) -> str:
    if _is_encoded(source):
        return source.name
    return Path(source).name if isinstance(source, str | os.PathLike) else type(source).__name__


def names_of(sources: Sequence[Any]) -> list[str]:
    """What a record calls pictures: by their files, or by what kind of thing they are."""
    return [_name(source) for source in sources]
