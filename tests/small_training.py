"""What tests of trainings begin with: an accelerator that knows nothing of the one before, and few small pictures."""

from pathlib import Path

import numpy as np
from accelerate.state import AcceleratorState, GradientState, PartialState
from PIL import Image


def forget_accelerator() -> None:
    """Or every accelerator of the process has the device and the precision of the first one."""
    for state in (AcceleratorState, PartialState, GradientState):
        state._reset_state()


def draw_pictures(folder: Path, count: int, random: np.random.Generator, size: tuple[int, int] = (44, 40)) -> Path:
    """A new folder of pictures: coarse colours, smoothly enlarged."""
    folder.mkdir(parents=True)
    for number in range(count):
        coarse = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder
