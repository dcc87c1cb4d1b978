"""The loss that keeps the tone: a generator leaves alone what already is of its target domain."""

from torch import Tensor


def identity_loss(same: Tensor, picture: Tensor) -> Tensor:
    """||G(y) - y||_1 of Zhu et al. 2017, section 5.2 (L_identity), and paper 000, 2.2: mean over values, float32.

    same, picture: (N, 3, H, W). Not what paper 002 calls identity; that is a term of `lsgan.discriminator_loss`.
    """
    return (same.float() - picture).abs().mean()
