import hashlib

import pytest
import torch

from impasto import weights
from impasto.encoders import load_encoder
from impasto.encoders.filters import mean_activations
from impasto.encoders.network import LAYERS
from impasto.image import read
from impasto.methods.adain.foreign import LAYOUTS, layout_named
from impasto.tensors import to_tensor
from impasto.weights import WeightSpec


@pytest.fixture
def album(fill):
    return fill("album", 4)


def test_list_says_what_is_here(impasto):
    lines = [line.split() for line in impasto("weights", "list").out.splitlines()]
    assert lines[0] == ["name", "here", "bytes", "licence", "file"]
    size = weights.location(weights.WEIGHTS["lite"]).stat().st_size
    rows = {line[0]: line[1:] for line in lines}
    assert rows["lite"][:3] == ["yes", f"{size:,}", "Apache-2.0"]
    assert rows["vgg19"][:3] == ["no", "574,673,361", "BSD-3-Clause"]
    assert rows["vgg19"][3].endswith("vgg19-dcbb9e9d.pth")
    assert rows["vgg19:"][0] == "torchvision's"


def test_fetch_prints_where_the_file_lies(impasto, monkeypatch, fresh_cache):
    outcome = impasto("weights", "fetch", "lite")
    assert (outcome.code, outcome.out) == (0, f"{weights.location(weights.WEIGHTS['lite'])}\n")
    content = b"numbers"
    spec = WeightSpec(
        name="mine", file_name="mine.pth", urls=("http://localhost/mine.pth",),
        sha256=hashlib.sha256(content).hexdigest(), licence="MIT", provenance="here",
    )  # fmt: skip
    monkeypatch.setitem(weights.WEIGHTS, "mine", spec)
    monkeypatch.setattr(weights, "download", lambda wanted, path, progress: path.write_bytes(content))
    weights.cache_folder().mkdir(parents=True)
    outcome = impasto("weights", "fetch", "mine")
    assert (outcome.code, outcome.err) == (0, "")
    assert weights.location(spec).read_bytes() == content


class TestNormalise:
    def test_makes_the_mean_activations_1_and_paints(self, album, impasto, paint):
        outcome = impasto("weights", "normalise", "--encoder", "lite", "--data", "album", "-o", "own.safetensors")
        assert (outcome.code, outcome.out) == (0, "own.safetensors\n")
        encoder = load_encoder("vgg19", weights=album.parent / "own.safetensors")
        means = mean_activations(encoder, [to_tensor(read(path)) for path in sorted(album.iterdir())])
        before = mean_activations(load_encoder("lite"), [to_tensor(read(path)) for path in sorted(album.iterdir())])
        for layer in LAYERS:
            firing = before[layer] > 0.06 * before[layer].mean()
            torch.testing.assert_close(means[layer][firing], torch.ones_like(means[layer][firing]), rtol=1e-3, atol=0)
            assert (before[layer][firing] - 1).abs().max() > 0.01
        _, config = weights.load(album.parent / "own.safetensors")
        assert config["normalised"] == {"encoder": "lite", "pictures": 4, "size": 512, "pooling": "average"}
        assert paint("photo.png", "--encoder", "vgg19", "--vgg19", "own.safetensors", "-o", "out.png").code == 0

    def test_size_and_limit(self, album, impasto):
        words = ["--data", "album", "-o", "own.safetensors", "--encoder", "lite", "--size", "16", "--limit", "2"]
        assert impasto("weights", "normalise", *words).code == 0
        _, config = weights.load(album.parent / "own.safetensors")
        assert (config["normalised"]["pictures"], config["normalised"]["size"]) == (2, 16)

    def test_a_bad_picture_does_not_stop_the_others(self, album, impasto):
        (album / "bad.png").write_text("text")
        words = ["--data", "album", "-o", "own.safetensors", "--encoder", "lite"]
        outcome = impasto("weights", "normalise", *words)
        assert outcome.code == 1
        assert "1 of 5 could not be used:\n  album/bad.png: it is not a picture" in outcome.err
        assert weights.load(album.parent / "own.safetensors")[1]["normalised"]["pictures"] == 4


def save_foreign(path, name):
    """A file of this layout, around random weights that keep the size of activations."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for key, shape in layout_named(name).shapes().items():
        scale = (2 / torch.Size(shape[1:]).numel()) ** 0.5 if len(shape) == 4 else 0.1
        state[key] = scale * torch.randn(shape, generator=generator)
    torch.save(state, path)


class TestImport:
    def test_both_files_paint_together(self, folder, impasto, pixels):
        save_foreign(folder / "vgg_normalised.pth", "adain-encoder")
        save_foreign(folder / "decoder.pth", "adain-decoder")
        outcome = impasto("weights", "import", "vgg_normalised.pth", "-o", "vgg.safetensors")
        assert (outcome.code, outcome.out) == (0, "vgg.safetensors\n")
        assert "vgg_normalised.pth: adain-encoder, vgg_normalised.pth of pytorch-AdaIN" in outcome.err
        assert "--encoder vgg19 --vgg19 vgg.safetensors" in outcome.err
        outcome = impasto("weights", "import", "decoder.pth", "-o", "decoder.safetensors")
        assert (outcome.code, outcome.out) == (0, "decoder.safetensors\n")
        assert "decoder.pth: adain-decoder, decoder.pth of pytorch-AdaIN" in outcome.err
        assert "--decoder decoder.safetensors" in outcome.err

        words = ["--style", "style.png", "--method", "adain", "-o", "out.png"]
        networks = ["--encoder", "vgg19", "--vgg19", "vgg.safetensors", "--decoder", "decoder.safetensors"]
        assert impasto("stylize", "photo.png", *words, *networks).code == 0
        assert pixels("out.png").shape == pixels("photo.png").shape

    def test_the_help_lists_the_layouts(self, impasto):
        text = " ".join(impasto("weights", "import", "--help").out.split())
        assert f"what the file is: {' or '.join(layout.name for layout in LAYOUTS)};" in text

    def test_a_file_is_replaced_only_on_request(self, folder, impasto):
        save_foreign(folder / "a.pth", "adain-decoder")
        (folder / "a.safetensors").write_text("mine")
        outcome = impasto("weights", "import", "a.pth", "-o", "a.safetensors")
        assert (outcome.code, outcome.out) == (1, "")
        assert "a.safetensors: the file exists" in outcome.err
        assert (folder / "a.safetensors").read_text() == "mine"
        assert impasto("weights", "import", "a.pth", "-o", "a.safetensors", "--overwrite").code == 0
        assert "decoder" in weights.load(folder / "a.safetensors")[1]
