"""Folders as numbers: against the measures themselves, and the traps of the field."""

import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from impasto.encoders import load_encoder, weights_file
from impasto.errors import DataError, OptionError, PictureError
from impasto.evaluation import Judges, evaluate_folders, picture_set
from impasto.evaluation.pictures import pixels
from impasto.metrics import frechet_distance, kernel_distance, psnr, ssim, style_distance
from impasto.tensors import resize
from impasto.weights import sha256_of


def evaluated(judges=None, *, outputs, **against):
    """({(subject, measure): number}, what was warned of)."""
    sets = {name: picture_set([path]) for name, path in against.items()}
    told = []
    judges = judges or Judges(networks=(), seed=3)
    numbers = evaluate_folders(picture_set([outputs]), sets, judges, warn=told.append)
    return {(number.subject, number.measure): number for number in numbers}, told


def tensors(folder):
    return [pixels(path) for path in sorted(folder.iterdir())]


def test_pairs_are_measured_one_by_one(draw):
    outputs, content = draw("outputs", 3, seed=1), draw("content", 3, seed=2)
    numbers, _ = evaluated(outputs=outputs, content=content)
    pairs = list(zip(tensors(outputs), tensors(content), strict=True))
    for measure, name in ((psnr, "PSNR"), (ssim, "SSIM")):
        values = torch.tensor([float(measure(a, b)) for a, b in pairs])
        number = numbers["outputs", name]
        assert number.value == pytest.approx(float(values.mean()))
        assert number.spread == pytest.approx(float(values.std()), rel=1e-5)
        assert (number.count, number.spread_over, number.better) == (3, "pairs", "more")
    assert numbers["outputs", "content distance-lite"].better == "less"


def test_equal_pairs_are_infinite_and_said_to_be(draw):
    outputs = draw("outputs", 2)
    numbers, told = evaluated(outputs=outputs, content=draw("content", 2))
    assert numbers["outputs", "PSNR"].value == float("inf")
    assert numbers["outputs", "SSIM"].value == pytest.approx(1)
    assert any("2 of 2 pairs are equal" in line for line in told)
    assert any("2 files are among the outputs and among the content" in line for line in told)


def test_styles_are_seen_at_the_outputs_area(draw):
    outputs, style = draw("outputs", 1, seed=1), draw("style", 1, seed=2, size=(64, 64))
    numbers, _ = evaluated(outputs=outputs, style=style)
    small = tensors(draw("small", 1, seed=2))[0]
    seen = Judges().seen((tensors(outputs)[0], small), ("relu1_1", "relu2_1", "relu3_1", "relu4_1"))
    value = numbers["outputs", "style distance-lite"].value
    assert value == pytest.approx(float(style_distance(*seen)), rel=0.05)
    assert ("outputs", "FID-lite") not in numbers


def test_sets_are_compared_in_features_of_lite(draw):
    outputs, reference = draw("outputs", 5, seed=1), draw("reference", 6, seed=2)
    numbers, told = evaluated(outputs=outputs, reference=reference)
    encoder = load_encoder("lite")

    def points(folder):
        sized = [F.interpolate(x, (64, 64), mode="bicubic", antialias=True).clamp(0, 1) for x in tensors(folder)]
        with torch.no_grad():
            return torch.cat([encoder(x, ["relu5_1"])["relu5_1"].mean((2, 3)) for x in sized])

    a, b = points(outputs), points(reference)
    assert numbers["outputs", "FID-lite"].value == pytest.approx(frechet_distance(a, b), rel=1e-3)
    mean, deviation = kernel_distance(a, b, seed=3)
    assert numbers["outputs", "KID-lite"].value == pytest.approx(mean, rel=1e-3)
    assert numbers["outputs", "KID-lite"].spread == pytest.approx(deviation, rel=1e-2)
    assert not any(measure in ("FID", "KID") for _, measure in numbers)
    assert any("5 pictures are not more than the 128 features" in line for line in told)
    assert ("floor: halves of the reference", "KID-lite") in numbers


def test_the_floor_is_what_it_would_be_if_that_folder_were_the_outputs(draw):
    outputs, reference, floor = draw("outputs", 4, seed=1), draw("reference", 4, seed=2), draw("floor", 4, seed=4)
    numbers, _ = evaluated(outputs=outputs, content=draw("content", 4, seed=3), reference=reference, floor=floor)
    subjects = [subject for subject, measure in numbers if measure == "FID-lite"]
    assert subjects == ["outputs", "identity: content", "floor: other real pictures"]
    alone, _ = evaluated(outputs=floor, reference=reference)
    for measure in ("FID-lite", "KID-lite"):
        value = numbers["floor: other real pictures", measure].value
        assert value == pytest.approx(alone["outputs", measure].value, rel=1e-6)


def test_two_answers_that_are_none_stand_beside_the_outputs(draw):
    """The untouched photo has all of the content and none of the style; the painting itself the other way round."""
    outputs, content = draw("outputs", 3, seed=1), draw("content", 3, seed=2)
    style = draw("style", 3, seed=3, size=(32, 48))
    numbers, told = evaluated(outputs=outputs, content=content, style=style)
    value = {key: number.value for key, number in numbers.items()}
    assert value["identity: content", "content distance-lite"] == 0
    assert value["identity: content", "SSIM"] == pytest.approx(1)
    assert ("identity: content", "PSNR") not in value
    assert value["identity: style", "style distance-lite"] == pytest.approx(0, abs=1e-9)
    assert value["identity: style", "colour distance"] == pytest.approx(0, abs=1e-6)
    assert value["identity: style", "FID-lite"] == pytest.approx(0, abs=1e-9)
    alone, _ = evaluated(outputs=content, style=style)
    for measure in ("style distance-lite", "Gram distance-lite", "colour distance", "FID-lite"):
        expected = alone["outputs", measure].value
        assert value["identity: content", measure] == pytest.approx(expected, rel=1e-6) != 0
    squeezed = [resize(x, 32, 32) for x in tensors(style)]
    expected = sum(float(psnr(a, b)) for a, b in zip(squeezed, tensors(content), strict=True)) / 3
    assert value["identity: style", "PSNR"] == pytest.approx(expected)
    assert not any("infinite" in line for line in told)


def test_inception_and_lpips_judge_when_their_weights_are_there(draw, inception_file, lpips_files, monkeypatch):
    monkeypatch.setattr("impasto.encoders.inception.SIDE", 75)  # the least that the network can see
    files = {"inception": inception_file, "vgg16": lpips_files[0], "lpips": lpips_files[1]}
    made, content, real = (draw(name, 2, seed=seed) for seed, name in enumerate(("outputs", "content", "real"), 1))
    numbers, told = evaluated(Judges(files=files), outputs=made, content=content, reference=real)
    found = {measure: number for (subject, measure), number in numbers.items() if subject == "outputs"}
    assert {"FID", "FID-legacy", "FID-lite", "KID", "KID-legacy", "KID-lite", "LPIPS"} < found.keys()
    assert found["FID"].value != pytest.approx(found["FID-legacy"].value, rel=1e-6)
    expected = (1 + found["LPIPS"].value) * (1 + found["FID"].value)
    assert found["ArtFID-imagenet"].value == pytest.approx(expected)
    assert found["FID"].protocol["network"]["name"].startswith("Inception")
    assert found["FID-legacy"].protocol["resize"] == "legacy to 299 x 299"
    assert found["FID"].protocol["resize"] == "clean to 299 x 299, clamped"
    assert found["FID"].protocol["network"]["sha256"] == sha256_of(inception_file)
    perceptual = {"vgg16": sha256_of(lpips_files[0]), "lpips": sha256_of(lpips_files[1])}
    assert found["LPIPS"].protocol["network"] == perceptual
    lite = sha256_of(weights_file("lite"))
    assert [found[name].protocol["network"]["sha256"] for name in ("KID-lite", "content distance-lite")] == [lite] * 2
    assert not any("cannot be downloaded" in line for line in told)


def test_missing_weights_leave_the_other_numbers(draw, monkeypatch):
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    numbers, told = evaluated(
        Judges(), outputs=draw("outputs", 2, seed=1), content=draw("content", 2, seed=2), reference=draw("real", 2)
    )
    assert {"PSNR", "SSIM", "FID-lite", "KID-lite"} < {measure for _, measure in numbers}
    assert any(line.startswith("no LPIPS: the weights 'vgg16'") for line in told)
    assert any(line.startswith("no FID and KID of Inception: the weights 'inception'") for line in told)


def test_the_fingerprint_changes_with_what_is_in_the_files_and_not_with_where_they_lie(draw, tmp_path):
    outputs, content = draw("outputs", 2, seed=1), draw("content", 2, seed=2)
    first = evaluated(outputs=outputs, content=content)[0]["outputs", "PSNR"]
    shutil.copytree(outputs, tmp_path / "moved")
    moved = evaluated(outputs=tmp_path / "moved", content=content)[0]["outputs", "PSNR"]
    assert moved.fingerprint == first.fingerprint
    Image.new("RGB", (32, 32)).save(outputs / "p0.png")
    changed = evaluated(outputs=outputs, content=content)[0]["outputs", "PSNR"]
    assert changed.fingerprint != first.fingerprint
    about = first.protocol["sets"]["outputs"]
    assert (about["count"], about["sizes"], about["formats"]) == (2, {"32 x 32": 2}, {"PNG": 2})
    assert set(first.protocol["software"]) == {"impasto", "torch", "numpy", "pillow", "pyvips", "python"}


def test_jpeg_and_proportions_are_warned_of(draw):
    _, told = evaluated(
        outputs=draw("outputs", 3, seed=1, suffix=".jpg"), reference=draw("reference", 2, seed=2, size=(32, 48))
    )
    assert any("3 of 3 outputs are JPEG or WebP" in line for line in told)
    assert any("reference: some are not square" in line for line in told)


def test_pictures_are_compared_at_the_outputs_size_if_they_have_its_proportions(draw, tmp_path):
    outputs, content = draw("outputs", 1, seed=1, size=(20, 27)), draw("content", 1, size=(60, 80))
    numbers, _ = evaluated(outputs=outputs, content=content)
    assert numbers["outputs", "PSNR"].protocol["sets"]["outputs"]["sizes"] == {"27 x 20": 1}
    with pytest.raises(DataError, match="other proportions"):
        evaluated(outputs=outputs, content=draw("square", 1))
    Image.fromarray(np.zeros((4, 4, 4), np.uint8)).save(tmp_path / "clear.png")
    assert float(pixels(tmp_path / "clear.png").min()) == 1, "what is transparent lies on white"


def test_what_cannot_be_judged_is_named(draw):
    with pytest.raises(OptionError, match="inception, lpips"):
        Judges(networks=("inceptoin",))
    outputs = draw("outputs", 2, seed=1)
    (outputs / "p1.png").write_bytes(b"not a picture")
    with pytest.raises(PictureError, match=r"p1\.png"):
        evaluated(outputs=outputs, content=draw("content", 2, seed=2))
