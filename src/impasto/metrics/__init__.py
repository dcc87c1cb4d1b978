"""Measures of pictures: tensors in, numbers out. None of them owns a network; those take features.

Where no docstring says otherwise, pictures are (N, 3, H, W) float in [0, 1], and a measure of pairs gives one number
for every picture, (N,). Averaging is the caller's: the mean of per-picture values is what papers report.
"""

from impasto.metrics.artfid import art_fid
from impasto.metrics.better import is_better, larger_is_better
from impasto.metrics.colour_histogram import colour_histogram_distance
from impasto.metrics.feature_distance import content_distance, gram_distance, style_distance
from impasto.metrics.fid import frechet_distance
from impasto.metrics.held_out import held_out
from impasto.metrics.kid import kernel_distance
from impasto.metrics.lpips import lpips
from impasto.metrics.psnr import psnr
from impasto.metrics.ssim import ms_ssim, ssim
from impasto.metrics.warping import warping_error

__all__ = [
    "art_fid",
    "colour_histogram_distance",
    "content_distance",
    "frechet_distance",
    "gram_distance",
    "held_out",
    "is_better",
    "kernel_distance",
    "larger_is_better",
    "lpips",
    "ms_ssim",
    "psnr",
    "ssim",
    "style_distance",
    "warping_error",
]
