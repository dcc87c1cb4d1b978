"""impasto turns pictures into paintings.

`stylize(photo, painting)` paints; `load(method)` keeps a method ready for many pictures; `StylizeOptions(method, ...)`
holds what can be chosen. `encode_style(painting)` is a style to paint many pictures in. `stylize_video(clip, painting)`
paints films.
"""

__version__ = "0.2.0"

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
    from impasto.video.options import VideoOptions
    from impasto.video.stylize import stylize_video

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
    "VideoOptions",
    "WeightsError",
    "__version__",
    "encode_style",
    "load",
    "stylize",
    "stylize_video",
]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import; options, errors and the version are free of it.
    if name in ("encode_style", "load", "stylize"):
        from impasto import api

        return getattr(api, name)
    if name == "VideoOptions":
        from impasto.video.options import VideoOptions

        return VideoOptions
    if name == "stylize_video":
        from impasto.errors import from_extra

        with from_extra("video", "painting films"):
            from impasto.video.stylize import stylize_video

        return stylize_video
    raise AttributeError(f"module 'impasto' has no attribute '{name}'")
