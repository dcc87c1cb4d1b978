"""Measures of pictures: tensors in, numbers out. None of them owns a network; those take features.

Where no docstring says otherwise, pictures are (N, 3, H, W) float in [0, 1], and a measure of pairs gives one number
for every picture, (N,). Averaging is the caller's: the mean of per-picture values is what papers report.
"""

from impasto.metrics.psnr import psnr
from impasto.metrics.ssim import ms_ssim, ssim

__all__ = ["ms_ssim", "psnr", "ssim"]
