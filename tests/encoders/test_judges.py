"""Inception-v3 and LPIPS' VGG-16: files of the published layout with other numbers in them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from impasto.encoders.inception import Inception, load_inception, prepared
from impasto.encoders.perceptual import load_perceptual
from impasto.errors import OptionError, WeightsError
from impasto.metrics import lpips


def test_inception_has_the_published_parameters():
    state = {name: tuple(value.shape) for name, value in Inception().state_dict().items() if "num_batches" not in name}
    # 94 convolutions, each with four vectors of batch normalisation. torchvision's network of these shapes has
    # 27,161,264 parameters, of which 2,049,000 are its classifier's and 3,326,696 its auxiliary one's.
    assert len(state) == 94 * 5
    assert sum(np.prod(shape) for shape in state.values()) == 21_785_568 + 2 * 17_216
    assert state["Mixed_5b.branch3x3dbl_3.conv.weight"] == (96, 96, 3, 3)
    assert state["Mixed_6c.branch7x7dbl_5.conv.weight"] == (192, 160, 1, 7)
    assert state["Mixed_7a.branch7x7x3_4.conv.weight"] == (192, 192, 3, 3)
    assert state["Mixed_7c.branch3x3_2b.conv.weight"] == (384, 384, 3, 1)


def test_inception_pools_as_the_graph_of_2015():
    network = Inception().eval()
    x = torch.rand(1, 1280, 4, 4)
    average = F.avg_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 1) * 9
    count = F.avg_pool2d(F.pad(torch.ones_like(x), (1, 1, 1, 1)), 3, 1) * 9
    assert torch.allclose(network.Mixed_7b.pool(x), average / count, atol=1e-6)
    assert torch.equal(network.Mixed_7c.pool(x), F.max_pool2d(x, 3, 1, 1))


def test_inception_reads_the_published_layout(inception_file):
    network = load_inception(inception_file)
    with torch.inference_mode():
        features = network(prepared(torch.rand(2, 3, 40, 60), "clean"))
    assert features.shape == (2, 2048)
    assert features.isfinite().all()
    assert float((features[0] - features[1]).abs().max()) > 0
    assert not network.training


def test_a_file_of_another_network_is_refused(tmp_path, inception_file):
    state = torch.load(inception_file, weights_only=True)
    del state["Mixed_7c.branch_pool.bn.bias"]
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"not FID's Inception-v3: 'Mixed_7c.branch_pool.bn.bias' .* is missing"):
        load_inception(tmp_path / "other.pth")


def test_missing_weights_say_what_to_do(monkeypatch):
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"give a copy with --inception FILE; the numbers that do not need it"):
        load_inception()
    with pytest.raises(WeightsError, match=r"--vgg16 FILE"):
        load_perceptual()


def clean_fid_resized(picture):
    """clean-fid 0.1.35, resize.make_resizer("PIL", False, "bicubic", (299, 299)): every channel in float32, clipped."""

    def channel(values):
        resized = Image.fromarray(values.astype(np.float32)).resize((299, 299), Image.Resampling.BICUBIC)
        return np.asarray(resized).clip(0, 255)

    return np.stack([channel(picture[:, :, number]) for number in range(3)])


def pictures(count, seed=0):
    """Some smooth, some of them nearly black and white, whose bicubic samples leave the range."""
    random = np.random.default_rng(seed)
    for number in range(count):
        levels = random.integers(0, 256, (9, 8, 3)) if number % 2 else 255 * random.integers(0, 2, (40, 35, 3))
        yield np.asarray(Image.fromarray(levels.astype(np.uint8)).resize((350, 400), Image.Resampling.BICUBIC))


def test_clean_resizing_is_that_of_clean_fid():
    for picture in pictures(2):
        expected = clean_fid_resized(picture)
        tensor = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255
        found = prepared(tensor, "clean")[0] * 128 + 128
        assert float((found - torch.from_numpy(expected)).abs().max()) < 0.01
    assert (float(found.min()), float(found.max())) == pytest.approx((0, 255), abs=1e-3), "it was clipped"


def test_legacy_resizing_drops_what_lies_between():
    stripes = torch.zeros(1, 3, 4, 598)
    stripes[..., ::2] = 1
    assert float(prepared(stripes.repeat(1, 1, 100, 1), "legacy").abs().max()) < 0.01
    fine = torch.zeros(1, 3, 8, 299 * 4)
    fine[..., 1::4], fine[..., 2::4] = 1, 1
    # Two of four columns are white; without antialiasing the others are never looked at.
    assert float(prepared(fine, "legacy").min()) == pytest.approx(1)
    assert float(prepared(fine, "clean")[..., 10:-10].mean()) == pytest.approx(-1 / 256, abs=0.01)
    with pytest.raises(OptionError, match="clean, legacy"):
        prepared(fine, "other")


def test_lpips_network_reads_the_published_layouts(lpips_files):
    network = load_perceptual(*lpips_files)
    a, b = torch.rand(2, 3, 40, 33), torch.rand(2, 3, 40, 33)
    with torch.inference_mode():
        x, y = network(a), network(b)
        distances = lpips(x, y, network.heads)
    assert [tuple(value.shape[1:]) for value in x.values()] == [
        (64, 40, 33), (128, 20, 16), (256, 10, 8), (512, 5, 4), (512, 2, 2)
    ]  # fmt: skip
    assert (distances > 0).all()
    state = torch.load(lpips_files[0], weights_only=True)
    first = (2 * a - 1 - torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)) / torch.tensor(
        [0.458, 0.448, 0.450]
    ).view(1, 3, 1, 1)
    for place in (0, 2):
        first = F.relu(F.conv2d(first, state[f"features.{place}.weight"], state[f"features.{place}.bias"], padding=1))
    assert torch.allclose(x["relu1_2"], first, atol=1e-4)


def test_a_file_of_other_heads_is_refused(tmp_path, lpips_files):
    torch.save({"lin0.model.1.weight": torch.rand(1, 32, 1, 1)}, tmp_path / "heads.pth")
    with pytest.raises(WeightsError, match=r"'lin0.model.1.weight' has shape \(1, 32, 1, 1\), not \(1, 64, 1, 1\)"):
        load_perceptual(lpips_files[0], tmp_path / "heads.pth")
