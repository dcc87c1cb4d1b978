"""Pictures as the bytes of files."""

import io
from typing import Any

import numpy as np
from PIL import Image


def file_bytes(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def encoded(seed=0, size=(12, 16), kind="PNG"):
    """Noise of (height, width)."""
    return file_bytes(Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)), kind)
