"""What photographs go through before anybody paints them."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from impasto.methods.adain.dirt import compressed, soiled


def pictures(count: int, side: int = 64) -> Tensor:
    """Without black and white, at which Pillow stops."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 8, 8, generator=generator)
    smooth = F.interpolate(coarse, (side, side), mode="bicubic")
    return (0.15 + 0.7 * smooth + 0.02 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


def through_pillow(picture: Tensor, quality: int) -> Tensor:
    pixels = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    return torch.from_numpy(np.array(Image.open(stream))).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize("quality", [20, 60, 90])
def test_compression_is_that_of_jpeg(quality: int) -> None:
    clean = (pictures(2) * 255).round() / 255
    found = compressed(clean, torch.full((2, 1, 1, 1), float(quality))).clamp(0, 1)
    expected = torch.stack([through_pillow(picture, quality) for picture in clean])
    assert float((found - expected).abs().mean()) < 2 / 255
    # Other than what it came from, and by as much as the real one.
    error, real = (float((one - clean).square().mean().sqrt()) for one in (found, expected))
    assert error == pytest.approx(real, rel=0.1)


def test_every_picture_has_its_own_quality() -> None:
    clean = pictures(1)
    both = compressed(clean.repeat(2, 1, 1, 1), torch.tensor([20.0, 80.0]).view(2, 1, 1, 1))
    for found, quality in zip(both, (20.0, 80.0), strict=True):
        torch.testing.assert_close(found[None], compressed(clean, torch.full((1, 1, 1, 1), quality)))
    errors = (both - clean).abs().mean((1, 2, 3))
    assert float(errors[0]) > 1.3 * float(errors[1])


def test_dirt_is_the_generators_and_each_pictures_own() -> None:
    clean = pictures(1, side=32).repeat(64, 1, 1, 1)
    one, same, other = (soiled(clean, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert (float(one.min()) >= 0, float(one.max()) <= 1) == (True, True)
    untouched = sum(torch.equal(found, clean[0]) for found in one)
    assert 2 <= untouched <= 30, "of 64, a fifth on average"
    assert len({found.numpy().tobytes() for found in one}) == 64 - untouched + 1
    # Dirt, and no other picture.
    assert 0.005 < float((one - clean).abs().mean()) < 0.08
