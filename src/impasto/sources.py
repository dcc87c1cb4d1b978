"""What pictures may come as, and how they go back as the same."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, Union

import numpy as np
from numpy.typing import NDArray

from impasto import image
from impasto.errors import OptionError
from impasto.record import Record, opened

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

PathLike = str | os.PathLike[str]
# What a picture may come as.
Source = Union[PathLike, bytes, "Image", NDArray[Any], "Tensor"]


def as_picture(source: Source | image.Picture) -> image.Picture:
    """Any kind of picture as a `Picture`. Raises PictureError, which names what is wrong."""
    match source:
        case image.Picture():
            return source
        case np.ndarray():
            return image.from_array(np.asarray(source))  # a matrix keeps two axes whatever is done to it
        case str() | bytes() | os.PathLike():
            return image.read(source)
    if is_tensor(source):
        return image.from_tensor(source)
    if _is_pil(source):
        return image.from_pil(source)
    raise OptionError(
        f"a picture must be a path, bytes, a PIL image, an array or a tensor, not {type(source).__name__}"
    )


def as_list(sources: Any) -> list[Any]:
    """What may be one or several, or None for none."""
    if sources is None:
        return []
    return list(sources) if isinstance(sources, list | tuple) else [sources]


def as_mask(source: Source | image.Picture) -> image.Picture:
    """A mask as a `Picture`: any kind of picture, and what masks are in Python besides: True and False, 0 and 1 in any
    type, and tensors of one channel, ([[1,] 1,] H, W). Raises PictureError."""
    if isinstance(source, np.ndarray):
        return as_picture(255 * source.astype(np.uint8) if _is_yes_or_no(source) else source)
    if not is_tensor(source):
        return as_picture(source)
    planes = source.float() if _is_yes_or_no(source) else source
    if planes.ndim == 2 or planes.shape[-3:-2] == (1,):
        planes = planes.reshape(1, *planes.shape[-2:]).expand(3, -1, -1)
    return image.from_tensor(planes)


def _is_yes_or_no(values: "NDArray[Any] | Tensor") -> bool:
    return 0 not in values.shape and bool(((values == 0) | (values == 1)).all())


def as_kind(picture: image.Picture, source: Any, record: Record) -> Any:
    """The picture as what `source` is; a PIL image for a path."""
    if is_tensor(source):
        import torch

        return torch.from_numpy(picture.pixels).reshape(*source.shape[:-3], *picture.pixels.shape[1:]).to(source)
    match source:
        case np.ndarray():
            return image.to_array(picture, source.dtype, 0 if source.ndim == 2 else source.shape[2])
        case bytes():
            with opened(source) as file:
                kind = str(file.format).lower()
            kind = kind if f".{kind}" in image.FORMATS else "png"
            return image.encode(picture, kind, bits=depth(picture, Path(f"x.{kind}")), record=record)
    return image.to_pil(picture)


def is_tensor(source: Any) -> "TypeGuard[Tensor]":
    """Whether it is one of PyTorch's, which nobody can have who has not imported that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def _is_pil(source: Any) -> "TypeGuard[Image]":
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(source, pil.Image)


def like(pixels: NDArray[np.float32], content: image.Picture) -> image.Picture:
    """The painted pixels with the content's transparency and bit depth."""
    height, width = pixels.shape[-2:]
    alpha = None if content.alpha is None else image.resize(content.alpha, height, width)
    return image.Picture(pixels, alpha, content.bits)


def depth(picture: image.Picture, target: Path) -> int:
    """Bits per channel to write: the content's own, where the format of `target` can hold them."""
    return picture.bits if image.FORMATS.get(target.suffix.lower()) in ("PNG", "TIFF") else 8
