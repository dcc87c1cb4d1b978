"""The L1 losses of unpaired translation: what comes back is the picture, what is of its kind already stays, and so does
what a picture means (paper 003)."""

from torch import Tensor

EPSILON = 1e-5


def cycle_loss(back: Tensor, picture: Tensor) -> Tensor:
    """||F(G(x)) - x||_1 of Zhu et al. 2017, equation 2, and of paper 002's L_Cycle: mean over values, float32.

    back, picture: (N, 3, H, W). The norm is a mean, as in CycleGAN's program, whose weight 10 is meant for it; as a sum
    it would outweigh paper 002's adversarial terms, which are means, by the number of pixels.
    """
    return (back.float() - picture).abs().mean()


def identity_loss(same: Tensor, picture: Tensor) -> Tensor:
    """||G(y) - y||_1 of Zhu et al. 2017, section 5.2 (L_identity), and paper 000, 2.2: mean over values, float32.

    same, picture: (N, 3, H, W). Not what paper 002 calls identity; that is a term of `lsgan.discriminator_loss`.
    """
    return cycle_loss(same, picture)


def semantic_loss(code: Tensor, again: Tensor, *, normalised: bool) -> Tensor:
    """||E_A(x) - E_B(G(x))||_1 of paper 003, Figure 3 and Loss_L1 of equation 13: the L1 distance of "Feature A" and
    "Feature B", codes (N, C, h, w), mean over values, float32.

    code: of the picture, by the encoder of its kind. again: of its translation, by the encoder of the other kind.
    normalised: compare the codes after every channel was brought to mean 0 and deviation 1. The paper compares them as
        they are, which encoders can satisfy by making everything small.
    """
    if normalised:
        code, again = normalise(code), normalise(again)
    return cycle_loss(code, again.float())


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
