"""Semantic consistency: paper 003, Figure 3 and Loss_L1 of equation 13, codes (N, C, h, w) -> a scalar."""

from torch import Tensor

EPSILON = 1e-5


def semantic_loss(code: Tensor, again: Tensor, *, normalised: bool) -> Tensor:
    """||E_A(x) - E_B(G(x))||_1: the L1 distance of "Feature A" and "Feature B", mean over values, float32.

    code: of the picture, by the encoder of its kind. again: of its translation, by the encoder of the other kind.
    normalised: compare the codes after every channel was brought to mean 0 and deviation 1. The paper compares them as
        they are, which encoders can satisfy by making everything small.
    """
    if normalised:
        code, again = normalise(code), normalise(again)
    return (code.float() - again.float()).abs().mean()


def code_deviation(codes: Tensor) -> Tensor:
    """How much codes depend on the picture: from 0, all the same or without contrast, to about 1, unrelated.

    codes: (N, C, h, w) of N different pictures, 2 or more. The deviation over pictures of every value of the normalised
    codes, as the root of the mean variance. Scalar, float32.
    """
    return normalise(codes).var(0).mean().sqrt()


def normalise(codes: Tensor) -> Tensor:
    """Every channel of every picture to mean 0 and deviation 1, or to 0 where it has no contrast: the same shape,
    float32."""
    codes = codes.float()
    variance = codes.var((2, 3), keepdim=True, correction=0)
    return (codes - codes.mean((2, 3), keepdim=True)) / (variance + EPSILON).sqrt()
