"""Functions of arrays, for tests that reckon with tensors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.image import Picture


def arrays(value: Any) -> Any:
    """Tensors, also in lists and tuples, as arrays."""
    if isinstance(value, Tensor):
        return value.detach().numpy()
    return type(value)(arrays(one) for one in value) if isinstance(value, list | tuple) else value


def tensors(value: Any) -> Any:
    """Arrays and numbers of numpy, also in lists and tuples, as tensors."""
    if isinstance(value, np.ndarray | np.generic):
        return torch.as_tensor(value)
    return type(value)(tensors(one) for one in value) if isinstance(value, list | tuple) else value


def in_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of tensors."""

    def called(*given: Any, **named: Any) -> Any:
        return tensors(function(*arrays(given), **{name: arrays(value) for name, value in named.items()}))

    return called


class InTensors:
    """A stylizer of arrays that takes tensors as well, and then gives them."""

    def __init__(self, stylizer: Any) -> None:
        self._stylizer = stylizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stylizer, name)

    def __call__(self, content: Any, styles: Any, *given: Any, **named: Any) -> Any:
        call = in_tensors(self._stylizer) if isinstance(content, Tensor) else self._stylizer
        return call(content, styles, *given, **named)


def picture(pixels: Tensor, alpha: Tensor | None = None, bits: int = 8) -> Picture:
    """A picture of tensors."""
    return Picture(pixels.float().numpy(), None if alpha is None else alpha.float().numpy(), bits)
