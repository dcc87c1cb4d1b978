"""Which way a measure is better."""

LARGER = ("PSNR", "SSIM", "MS-SSIM")


def larger_is_better(measure: str) -> bool:
    """Of a measure's name, whatever stands before its last word: 'held out A/cycle PSNR'. Every other is a distance."""
    return measure.rpartition(" ")[2] in LARGER
