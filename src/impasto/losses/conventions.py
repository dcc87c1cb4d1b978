"""What "style weight 1000" means: five normalisations of the same two losses, and how to go from one to another.

Every convention is a pair of factors on the mean squared difference of features and of position-averaged Gram
matrices. N: filters of the layer, M: its positions (H W).

| convention       | content, per layer          | style, per layer                 | source                          |
|------------------|-----------------------------|----------------------------------|---------------------------------|
| `relative`       | mean (F - C)^2 / mean C^2   | mean (G - S)^2 / mean S^2        | impasto                         |
| `half-mean`      | 1/(2 N M) sum (F - C)^2     | 1/(4 N^2 M^2) sum (G - S)^2      | paper 001, equations 1 and 3    |
| `half-sum`       | 1/2 sum (F - P)^2           | 1/(4 N^2 M^2) sum (G - A)^2      | paper 002, section 1.2          |
| `gatys-notebook` | mean (F - C)^2              | 1000/N^2 mean (G/M - S/M)^2      | PytorchNeuralStyleTransfer      |
| `jcjohnson`      | mean (F - C)^2              | mean (G/(N M) - S/(N M))^2       | neural-style                    |

A weight w of convention a is the weight w * factor_a / factor_b of convention b. Gatys' 1000/N^2 is therefore 10 times
jcjohnson's default style weight of 100, and with the content weights 1 and 5 his style-to-content ratio is 50 times
jcjohnson's. In the published four, a painting with twice the contrast counts sixteen times as much, so that each pair
of pictures wants its own weight; `relative` is free of that, and the default.
"""

from torch import Tensor

from impasto.errors import OptionError

CONVENTIONS = ("relative", "half-mean", "half-sum", "gatys-notebook", "jcjohnson")

# A layer in which a picture excites nothing, such as a black one, weighs no more than this mean square allows.
SMALLEST_POWER = 1e-6


def content_factor(convention: str, target: Tensor) -> float:
    """Factor on mean (F - C)^2 of the layer whose target C is (1, N, H, W). Raises OptionError if unknown."""
    channels, positions = target.shape[1], target.shape[2] * target.shape[3]
    return _of(convention, {
        "relative": 1 / max(target.square().mean().item(), SMALLEST_POWER),
        "half-mean": 0.5,
        "half-sum": 0.5 * channels * positions,
        "gatys-notebook": 1.0,
        "jcjohnson": 1.0,
    })  # fmt: skip


def style_factor(convention: str, target: Tensor) -> float:
    """Factor on mean (G/M - S/M)^2 of the layer whose target S/M is (1, N, N). Raises OptionError if unknown."""
    channels = target.shape[1]
    return _of(convention, {
        "relative": 1 / max(target.square().mean().item(), SMALLEST_POWER),
        "half-mean": 0.25,
        "half-sum": 0.25,
        "gatys-notebook": 1000 / channels**2,
        "jcjohnson": 1 / channels**2,
    })  # fmt: skip


def _of(convention: str, factors: dict[str, float]) -> float:
    if convention not in factors:
        raise OptionError(f"no convention '{convention}'; there are {', '.join(factors)}")
    return factors[convention]
