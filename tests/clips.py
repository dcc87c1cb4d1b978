"""Small films for the doors."""

import io

import av
import numpy as np
from PIL import Image


def clip(frames: int = 6, size: tuple[int, int] = (64, 48), rate: int = 25) -> bytes:
    """An MP4 file of (width, height), whose squares move. rate: frames a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.width, stream.height = size
        for number in range(frames):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(squares(number, size), format="rgb24")))
        out.mux(stream.encode(None))
    return file.getvalue()


def gif(frames: int = 4, size: tuple[int, int] = (64, 48)) -> bytes:
    """The same as a GIF of 10 frames a second."""
    file = io.BytesIO()
    first, *others = (Image.fromarray(squares(number, size)) for number in range(frames))
    first.save(file, "GIF", save_all=True, append_images=others, duration=100, loop=0)
    return file.getvalue()


def squares(number: int, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3): a frame."""
    x, y = np.meshgrid(np.arange(size[0]) + 2 * number, np.arange(size[1]))
    return np.stack([(x // 8 + y // 8) % 2 * 160 + 40, x * 3 % 256, y * 3 % 256], 2).astype(np.uint8)


def count(data: bytes) -> int:
    """Frames that can be decoded of a film."""
    with av.open(io.BytesIO(data)) as container:
        return sum(1 for _ in container.decode(video=0))
