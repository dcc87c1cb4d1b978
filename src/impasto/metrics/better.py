"""Which way a measure is better."""

LARGER = ("PSNR", "SSIM", "MS-SSIM")


def larger_is_better(measure: str) -> bool:
    """Of a measure's name, whatever stands before its last word: 'held out A/cycle PSNR'. Every other is a distance."""
    return measure.rpartition(" ")[2] in LARGER


def is_better(measure: str, value: float, other: float) -> bool:
    """Whether the value of this measure is better than the other one. False where one of them is not a number."""
    return value > other if larger_is_better(measure) else value < other
