"""The L1 losses of unpaired translation: what comes back is the picture, and what is of its kind already stays."""

from torch import Tensor


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
