"""Least-squares adversarial losses (Mao et al. 2017), as CycleGAN and papers 000 and 002 use them."""

from torch import Tensor


def generator_loss(judged: Tensor) -> Tensor:
    """E[(D(G(x)) - 1)^2]: Zhu et al. 2017, section 4; the terms of paper 002's L_cheat. Scalar, float32.

    judged: what the discriminator says of generated pictures, of any shape.
    """
    return (judged.float() - 1).square().mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E[(D(y) - 1)^2] + E[D(G(x))^2]: Zhu et al. 2017, section 4. Scalar, float32.

    Paper 002's L_identity + L_dis: what it calls identity is the first term. real, fake: what the discriminator says of
    real and of generated pictures, of any shape.
    """
    return (real.float() - 1).square().mean() + fake.float().square().mean()
