"""Cycle consistency."""

from torch import Tensor


def cycle_loss(back: Tensor, picture: Tensor) -> Tensor:
    """||F(G(x)) - x||_1 of Zhu et al. 2017, equation 2, and of paper 002's L_Cycle: mean over values, float32.

    back, picture: (N, 3, H, W). The norm is a mean, as in CycleGAN's program, whose weight 10 is meant for it; as a sum
    it would outweigh paper 002's adversarial terms, which are means, by the number of pixels.
    """
    return (back.float() - picture).abs().mean()
