"""Measures of pictures: tensors in, numbers out. None of them owns a network; those take features.

Where no docstring says otherwise, pictures are (N, 3, H, W) float in [0, 1], and a measure of pairs gives one number
for every picture, (N,). Averaging is the caller's: the mean of per-picture values is what papers report.
"""

from impasto.metrics.features import content_distance, gram_distance, lpips, style_distance
from impasto.metrics.held_out import held_out, is_better, larger_is_better
from impasto.metrics.pictures import colour_histogram_distance, ms_ssim, psnr, ssim, warping_error
from impasto.metrics.sets import art_fid, frechet_distance, kernel_distance

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
