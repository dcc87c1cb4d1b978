"""impasto turns pictures into paintings.

`stylize(photo, painting)` paints; `load(method)` keeps a method ready for many pictures; `StylizeOptions(method, ...)`
holds what can be chosen. `encode_style(painting)` is a style to paint many pictures in.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from impasto.errors import (
    Cancelled,
    CheckpointError,
    DataError,
    DivergedError,
    ImpastoError,
    OptionError,
    OutOfMemoryError,
    PictureError,
    WeightsError,
)
from impasto.methods import StylizeOptions
from impasto.options import Options
from impasto.progress import Progress

if TYPE_CHECKING:
    from impasto.api import encode_style, load, stylize

__version__ = version("impasto")

__all__ = [
    "Cancelled",
    "CheckpointError",
    "DataError",
    "DivergedError",
    "ImpastoError",
    "OptionError",
    "Options",
    "OutOfMemoryError",
    "PictureError",
    "Progress",
    "StylizeOptions",
    "WeightsError",
    "__version__",
    "encode_style",
    "load",
    "stylize",
]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import; options, errors and the version are free of it.
    if name in ("encode_style", "load", "stylize"):
        from impasto import api

        return getattr(api, name)
    raise AttributeError(f"module 'impasto' has no attribute '{name}'")
