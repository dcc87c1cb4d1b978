"""Files of small pictures."""

import io

import numpy as np
from PIL import Image


def encoded(seed=0, size=(12, 16), kind="PNG"):
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()
