"""Inception-v3 as FID and KID use it: TensorFlow's network of 2015-12-05 (Szegedy et al. 2016), without its classifier.

It is not torchvision's Inception-v3: other weights; average pools leave out what they padded; and the last block pools
by the maximum, a slip of the original graph that every published FID contains.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.errors import OptionError
from impasto.weights import fitting, given_or_fetched, load_foreign_state

SIDE = 299
FEATURES = 2048

RESIZES = ("clean", "legacy")


class Unit(nn.Module):
    """Convolution, batch normalisation, ReLU. padded: the size stays, if the stride is 1."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], *, stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


# Kernels: height and width.
ONE, THREE, FIVE = (1, 1), (3, 3), (5, 5)
WIDE_3, TALL_3, WIDE_7, TALL_7 = (1, 3), (3, 1), (1, 7), (7, 1)


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class BlockA(nn.Module):
    """Mixed_5b to 5d."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(inputs, 64, ONE)
        self.branch5x5_1, self.branch5x5_2 = Unit(inputs, 48, ONE), Unit(48, 64, FIVE)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Unit(inputs, 64, ONE), Unit(64, 96, THREE)
        self.branch3x3dbl_3 = Unit(96, 96, THREE)
        self.branch_pool = Unit(inputs, pooled, ONE)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        five = self.branch5x5_2(self.branch5x5_1(x))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(_average(x))], 1)


class BlockB(nn.Module):
    """Mixed_6a, which halves the size."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = Unit(inputs, 384, THREE, stride=2, padded=False)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Unit(inputs, 64, ONE), Unit(64, 96, THREE)
        self.branch3x3dbl_3 = Unit(96, 96, THREE, stride=2, padded=False)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    """Mixed_6b to 6e."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(inputs, 192, ONE)
        self.branch7x7_1, self.branch7x7_2 = Unit(inputs, width, ONE), Unit(width, width, WIDE_7)
        self.branch7x7_3 = Unit(width, 192, TALL_7)
        self.branch7x7dbl_1, self.branch7x7dbl_2 = Unit(inputs, width, ONE), Unit(width, width, TALL_7)
        self.branch7x7dbl_3, self.branch7x7dbl_4 = Unit(width, width, WIDE_7), Unit(width, width, TALL_7)
        self.branch7x7dbl_5 = Unit(width, 192, WIDE_7)
        self.branch_pool = Unit(inputs, 192, ONE)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), seven, double, self.branch_pool(_average(x))], 1)


class BlockD(nn.Module):
    """Mixed_7a, which halves the size."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Unit(inputs, 192, ONE), Unit(192, 320, THREE, stride=2, padded=False)
        self.branch7x7x3_1 = Unit(inputs, 192, ONE)
        self.branch7x7x3_2 = Unit(192, 192, WIDE_7)
        self.branch7x7x3_3 = Unit(192, 192, TALL_7)
        self.branch7x7x3_4 = Unit(192, 192, THREE, stride=2, padded=False)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, F.max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    """Mixed_7b and 7c, which differ in how they pool."""

    def __init__(self, inputs: int, pool: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1 = Unit(inputs, 320, ONE)
        self.branch3x3_1 = Unit(inputs, 384, ONE)
        self.branch3x3_2a, self.branch3x3_2b = Unit(384, 384, WIDE_3), Unit(384, 384, TALL_3)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Unit(inputs, 448, ONE), Unit(448, 384, THREE)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = Unit(384, 384, WIDE_3), Unit(384, 384, TALL_3)
        self.branch_pool = Unit(inputs, 192, ONE)

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        parts = [
            self.branch1x1(x),
            self.branch3x3_2a(three), self.branch3x3_2b(three),
            self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double),
            self.branch_pool(self.pool(x)),
        ]  # fmt: skip
        return torch.cat(parts, 1)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 1, 1)


class Inception(nn.Module):
    """(N, 3, 299, 299), values around [-1, 1] -> (N, 2048), the means of the last block's filters.

    Modules have the names of the published file.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = (
            Unit(3, 32, THREE, stride=2, padded=False),
            Unit(32, 32, THREE, padded=False),
        )
        self.Conv2d_2b_3x3 = Unit(32, 64, THREE)
        self.Conv2d_3b_1x1, self.Conv2d_4a_3x3 = Unit(64, 80, ONE), Unit(80, 192, THREE, padded=False)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a, self.Mixed_6b = BlockB(288), BlockC(768, 128)
        self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = BlockC(768, 160), BlockC(768, 160), BlockC(768, 192)
        self.Mixed_7a, self.Mixed_7b, self.Mixed_7c = BlockD(768), BlockE(1280, _average), BlockE(2048, _maximum)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))), 3, 2)
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, 2)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        last: Tensor = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return last.mean((2, 3))


def prepared(pictures: Tensor, resize: str) -> Tensor:
    """(N, 3, H, W) in [0, 1], of any size -> what `Inception` sees, (N, 3, 299, 299).

    clean: bicubic, antialiased, clamped to the range of a picture but not rounded, and (255 x - 128) / 128, as
    clean-fid. legacy: bilinear without antialiasing and 2 x - 1, as pytorch-fid, with which most published numbers were
    made.
    """
    if resize == "clean":
        sized = F.interpolate(pictures, (SIDE, SIDE), mode="bicubic", antialias=True, align_corners=False)
        return (sized.clamp(0, 1) * 255 - 128) / 128
    if resize == "legacy":
        return F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", align_corners=False) * 2 - 1
    raise OptionError(f"resize is '{resize}', but must be one of {', '.join(RESIZES)}")


def load_inception(weights: Path | None = None, *, progress: Callable[[int, int], None] | None = None) -> Inception:
    """Frozen, float32, in eval mode and channels_last.

    weights: None for the official file, downloaded into the cache at first use; or a file of the same layout.
    Raises WeightsError if the weights cannot be had, are damaged or do not fit.
    """
    path = given_or_fetched("inception", weights, progress)
    network = Inception()
    # The file has no counts of batches, and nothing reads them.
    expected = {name: value for name, value in network.state_dict().items() if not name.endswith("batches_tracked")}
    state = fitting(path, "is not FID's Inception-v3", load_foreign_state(path), expected)
    network.load_state_dict(state, strict=False)
    frozen = network.eval().requires_grad_(False)
    return frozen.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
