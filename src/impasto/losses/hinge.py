"""The hinge version of the adversarial losses (Lim and Ye 2017; SAGAN, Zhang et al. 2019, equation 4)."""

from torch import Tensor


def generator_loss(judged: Tensor) -> Tensor:
    """-E[D(G(x))]. Scalar, float32. judged: what the discriminator says of generated pictures, of any shape."""
    return -judged.float().mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E[max(0, 1 - D(y))] + E[max(0, 1 + D(G(x)))]. Scalar, float32.

    real, fake: what the discriminator says of real and of generated pictures, of any shape.
    """
    return (1 - real.float()).relu().mean() + (1 + fake.float()).relu().mean()
