"""What measures ask of their arguments."""

import torch
from torch import Tensor

from impasto.errors import OptionError


def check_pair(a: Tensor, b: Tensor) -> None:
    """Raises OptionError unless both are (N, 3, H, W) floats of one shape, within [0, 1]."""
    check_pictures(a, b)
    if a.shape != b.shape:
        raise OptionError(f"pictures to compare have one shape, not {tuple(a.shape)} and {tuple(b.shape)}")


def check_pictures(*sets: Tensor) -> None:
    """Raises OptionError unless each is (N, 3, H, W) of floats within [0, 1], at least one picture."""
    for pictures in sets:
        if not isinstance(pictures, Tensor):
            raise OptionError(f"pictures to compare are tensors, not {type(pictures).__name__}")
        shape = tuple(pictures.shape)
        if len(shape) != 4 or shape[1] != 3 or 0 in shape or not pictures.is_floating_point():
            raise OptionError(f"pictures to compare are floats (N, 3, H, W), not {shape} of {pictures.dtype}")
        low, high = float(pictures.min()), float(pictures.max())
        # A measure with a fixed range is silently wrong for pictures in [-1, 1] or [0, 255].
        if not (low >= -1e-4 and high <= 1 + 1e-4):
            raise OptionError(f"pictures to compare are in [0, 1], not {low:g} to {high:g}")


def check_finite(*values: Tensor) -> None:
    """Raises OptionError if a feature is NaN or infinite, of which no measure says anything."""
    if not all(bool(torch.isfinite(value).all()) for value in values):
        raise OptionError("features to compare hold values that are not numbers (NaN or infinity)")
