"""CycleGAN's generator has the published shape and field."""

import pytest
import torch
from receptive_field import field, linear
from torch import nn

from impasto.blocks.resnet_generator import ResidualBlock, ResNetGenerator


def generator(blocks: int, upsampling: str = "transposed", width: int = 1) -> ResNetGenerator:
    return ResNetGenerator(width, [ResidualBlock(4 * width) for _ in range(blocks)], upsampling)  # type: ignore[arg-type]


@pytest.mark.parametrize(("blocks", "side"), [(0, 13), (4, 77), (9, 157)])
def test_field_of_the_blocks(blocks: int, side: int) -> None:
    network = generator(9)
    linear(network)
    assert field(lambda x: network.features(x, blocks), 256) == (side, side)


def test_upsampling_by_resizing_leaves_no_checkerboard() -> None:
    """From a flat map, a transposed convolution paints each of the four places in a square by other weights."""

    def spread(upsampling: str) -> float:
        torch.manual_seed(0)
        up = generator(0, upsampling, width=4).decoder[: 2 if upsampling == "resize" else 1]
        for module in up:
            if isinstance(module, nn.ConvTranspose2d):
                assert (module.kernel_size, module.stride) == ((3, 3), (2, 2))
        flat = up(torch.ones(1, 16, 8, 8))[..., 4:8, 4:8]
        return float(flat.detach().std((2, 3)).max())

    assert spread("resize") < 1e-6 < spread("transposed")


def test_bilinear_upsampling_has_the_weights_of_the_nearest_and_paints_slopes_without_steps() -> None:
    nearest, smooth = generator(0, "resize"), generator(0, "bilinear")
    smooth.load_state_dict(nearest.state_dict())
    slope = torch.arange(8.0).expand(1, 1, 8, 8)
    rises = [network.decoder[0](slope)[0, 0, 0, 4:12].diff() for network in (nearest, smooth)]
    assert set(rises[0].tolist()) == {0.0, 1.0}
    torch.testing.assert_close(rises[1], torch.full((7,), 0.5))


def test_a_residual_block_adds_to_its_input() -> None:
    block = ResidualBlock(3)
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(x), x + block.layers(x))
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
    assert torch.equal(block(x), x)
