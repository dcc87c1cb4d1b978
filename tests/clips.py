"""Small films for the doors."""

import io
from collections.abc import Iterable

import av
import numpy as np


def clip(frames: int = 6, size: tuple[int, int] = (64, 48), *, container: str = "mp4", codec: str = "libx264") -> bytes:
    """A file of 25 frames a second, (width, height), whose squares move."""
    return film_of((squares(number, size) for number in range(frames)), container, codec)


def squares(number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """(H, W, 3): a frame."""
    x, y = np.meshgrid(np.arange(size[0]) + 2 * number, np.arange(size[1]))
    return np.stack([(x // 8 + y // 8) % 2 * 160 + 40, x * 3 % 256, y * 3 % 256], 2).astype(np.uint8)


def film_of(frames: Iterable[np.ndarray], container: str = "mp4", codec: str = "libx264") -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=25)
        stream.pix_fmt = "pal8" if codec == "gif" else "yuv420p"
        for number, pixels in enumerate(frames):
            if number == 0:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            out.mux(stream.encode(frame.reformat(format="rgb8") if codec == "gif" else frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def count(data: bytes) -> int:
    """Frames that can be decoded of a film."""
    with av.open(io.BytesIO(data)) as container:
        return sum(1 for _ in container.decode(video=0))
