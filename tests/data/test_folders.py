"""The endless stream of crops: what it draws depends on a seed and a position, and on nothing else."""

import errno
import os
import struct
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto import image
from impasto.cli.pictures import find_contents
from impasto.data.folders import Crops, PictureStream, batches, decoded, hold_out, list_pictures
from impasto.errors import DataError
from impasto.tensors import to_tensor

COUNT = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures whose red channel is their own number, with detail in the others."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    (folder / "deeper").mkdir()
    for number in range(COUNT):
        pixels = random.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
        pixels[..., 0] = 10 * number
        Image.fromarray(pixels).save(folder / ("deeper" if number % 2 else ".") / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def stream(folder: Path) -> PictureStream:
    return PictureStream(list_pictures([folder]), Crops(side=8, zoom=(0.5, 1.5)), seed=3)


def number_of(sample: Tensor) -> int:
    return int(sample[0].float().mean()) // 10


def test_lists_pictures_below_a_folder(folder: Path, tmp_path: Path) -> None:
    found = list_pictures([folder])
    assert sorted(path.name for path in found) == [f"{number}.png" for number in range(COUNT)]
    assert list_pictures([folder, folder]) == found + found
    with pytest.raises(DataError, match=r"nowhere: there is no such folder"):
        list_pictures([folder, tmp_path / "nowhere"])
    with pytest.raises(DataError, match=f"{tmp_path}: holds no pictures"):
        list_pictures([folder, tmp_path])


def fill_with_what_is_no_picture(folder: Path, some: Path) -> None:
    """What computers leave among pictures."""
    for place in (".ipynb_checkpoints", ".git/deeper", "x.png", "inside.jpg"):
        (folder / place).mkdir(parents=True)
    for name in (
        ".ipynb_checkpoints/a-checkpoint.png",
        ".git/deeper/b.png",
        ".hidden.png",
        "._0.png",
        "inside.jpg/c.txt",
    ):
        (folder / name).write_bytes(some.read_bytes())
    os.mkfifo(folder / "pipe.jpg")
    (folder / ".hidden.tar").write_bytes(b"no tar")
    (folder / "folder.tar").mkdir()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
def test_only_pictures_count(folder: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("d/0.png", "1.JFIF", "2.jpe", "3.gif", "4.avif")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        draw = Image.new("RGB", (8, 8), (number, 0, 0))
        draw.save(tmp_path / name, {".JFIF": "JPEG", ".jpe": "JPEG"}.get(Path(name).suffix))
    fill_with_what_is_no_picture(tmp_path, tmp_path / "1.JFIF")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = ["1.JFIF", "2.jpe", "3.gif", "4.avif", "d/0.png", "gone.png"]
    for shards in (False, True):
        assert [str(path.relative_to(tmp_path)) for path in list_pictures([tmp_path], shards=shards)] == found  # type: ignore[call-overload]
    # Whoever names a hidden one means it.
    assert list_pictures([tmp_path / ".hidden.png"]) == [tmp_path / ".hidden.png"]
    assert [path.name for path in list_pictures([tmp_path / ".ipynb_checkpoints"])] == ["a-checkpoint.png"]
    # The other reader of folders has the same rule, but does not look below them.
    contents, _ = find_contents([str(tmp_path)])
    assert [content.name for content in contents] == [name for name in found if "/" not in name]


def test_a_closed_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, scan = tmp_path / "closed", os.scandir
    closed.mkdir()

    def refuse(place: str) -> "os._ScandirIterator[str]":
        # To root, as who tests may run, nothing is closed.
        if Path(place) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(closed))
        return scan(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=f"^{closed}: it cannot be read: permission denied$"):
        list_pictures([tmp_path])


def test_hold_out_is_disjoint_and_stable() -> None:
    pictures = [Path(f"{number}.jpg") for number in range(20)]
    training, held_out = hold_out(pictures, 5, seed=1)
    assert len(held_out) == 5
    assert sorted(training + held_out) == sorted(pictures)
    assert hold_out(pictures, 5, seed=1) == (training, held_out)
    assert hold_out(pictures, 5, seed=2)[1] != held_out
    assert hold_out(pictures, 0, seed=1) == (pictures, [])
    with pytest.raises(DataError, match="20 pictures are too few to hold 11"):
        hold_out(pictures, 11, seed=1)


def test_a_picture_that_counts_twice_is_held_out_altogether() -> None:
    few, many = [Path(f"few/{number}.jpg") for number in range(6)], [Path(f"many/{n}.jpg") for n in range(14)]
    training, held_out = hold_out(few * 5 + many, 8, seed=0)
    assert len(held_out) == len(set(held_out)) == 8
    assert set(held_out).isdisjoint(training)
    assert len([path for path in training if path in few]) == 5 * len([path for path in few if path not in held_out])
    assert any(path in few for path in held_out), "or nothing of this was tested"
    assert hold_out(few + many, 8, seed=0)[1] == held_out, "weighing a folder keeps what is held out"
    with pytest.raises(DataError, match="6 pictures are too few to hold 4"):
        hold_out(few * 5, 4, seed=0)


def test_every_picture_comes_once_an_epoch_and_epochs_differ(stream: PictureStream) -> None:
    epochs = [[number_of(stream[index]) for index in range(COUNT * e, COUNT * (e + 1))] for e in range(3)]
    for order in epochs:
        assert sorted(order) == list(range(COUNT))
    assert epochs[0] != epochs[1]


def test_a_sample_is_a_function_of_seed_and_index(folder: Path, stream: PictureStream) -> None:
    again = PictureStream(stream.pictures, stream.crops, seed=3)
    for index in (12, 0, 5, 12, 3 * COUNT):  # in any order
        assert torch.equal(stream[index], again[index])
    assert stream[0].shape == (3, 8, 8)
    assert stream[0].dtype == torch.uint8
    other = PictureStream(stream.pictures, stream.crops, seed=4)
    assert not all(torch.equal(stream[index], other[index]) for index in range(COUNT))


def test_a_started_stream_skips_what_was_seen(stream: PictureStream) -> None:
    from_the_start = list(islice(batches(stream, size=3, start=0, workers=0), 6))
    from_four = list(islice(batches(stream, size=3, start=4, workers=0), 2))
    assert from_the_start[0].shape == (3, 3, 8, 8)
    assert all(torch.equal(*pair) for pair in zip(from_the_start[4:], from_four, strict=True))


def test_processes_share_the_global_batch(stream: PictureStream) -> None:
    alone = islice(batches(stream, size=6, start=2, workers=0), 3)
    shares = [islice(batches(stream, size=2, start=2, rank=rank, world_size=3, workers=0), 3) for rank in range(3)]
    for whole, *parts in zip(alone, *shares, strict=True):
        assert torch.equal(whole, torch.cat(parts))


def test_workers_change_nothing(stream: PictureStream) -> None:
    alone = list(islice(batches(stream, size=3, start=1, workers=0), 4))
    iterator = batches(stream, size=3, start=1, workers=2)
    assert all(torch.equal(*pair) for pair in zip(alone, islice(iterator, 4), strict=True))


def test_drawing_leaves_the_global_generators_alone(stream: PictureStream) -> None:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    next(batches(stream, size=2, start=0, workers=0))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_an_unreadable_picture_is_named(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    stream = PictureStream([broken], Crops(side=8), seed=0)
    with pytest.raises(DataError, match=r"broken\.jpg: it is not a picture, or damaged") as caught:
        stream[0]
    # A worker's whole traceback is no message for a person.
    for workers in (0, 1):
        with pytest.raises(DataError) as from_worker:
            next(batches(stream, size=2, start=0, workers=workers))
        assert str(from_worker.value) == str(caught.value)
    with pytest.raises(DataError, match="no pictures"):
        PictureStream([], Crops(side=8), seed=0)


GREY = np.linspace(0, 1, 64).reshape(8, 8)
COLOURS = np.random.default_rng(0).integers(0, 256, (8, 8, 4), dtype=np.uint8)


def display_p3() -> bytes:
    """Primaries and curve that telephones photograph in; an empty profile of Pillow's gives the frame."""
    tags = {
        b"rXYZ": (0.51512, 0.2412, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189), b"bXYZ": (0.1571, 0.06657, 0.78407),
    }  # fmt: skip
    parts = {name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in xyz)) for name, xyz in tags.items()}
    parts |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv\0\0\0\0" + struct.pack(">IHH", 1, 563, 0))
    offset, table, body = 128 + 4 + 12 * len(parts), b"", b""
    for name, data in parts.items():
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data
    head = (
        struct.pack(">II4s4s4s4s", offset + len(body), 0, b"\2\x40\0\0", b"mntr", b"RGB ", b"XYZ ").ljust(36, b"\0")
        + b"acsp"
    )
    return head.ljust(128, b"\0") + struct.pack(">I", len(parts)) + table + body


DRAWN = {
    "16-bit grey.png": (Image.fromarray((GREY * 65535).astype(np.uint16)), {}),
    "floats.tif": (Image.fromarray(GREY.astype(np.float32)), {}),
    "profile.png": (Image.fromarray(COLOURS[..., :3]), {"icc_profile": display_p3()}),
    "transparent.png": (Image.fromarray(COLOURS), {}),
    "palette.gif": (Image.fromarray(COLOURS[..., 0] // 64).convert("P"), {"transparency": 1}),
    "turned.tif": (Image.fromarray(COLOURS[..., :3]), {"tiffinfo": {274: 6}}),
}


@pytest.mark.parametrize("name", DRAWN)
def test_training_sees_what_painting_sees(tmp_path: Path, name: str) -> None:
    picture, options = DRAWN[name]
    picture.save(tmp_path / name, **options)
    seen = PictureStream([tmp_path / name], Crops(side=8, flip=False), seed=0)[0]
    expected = to_tensor(image.on_white(image.read(tmp_path / name)))[0]
    assert (seen / 255 - expected).abs().max() < 0.6 / 255
    assert not torch.equal(seen, torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)), "a mere decoding"


def ramp(height: int, width: int) -> Image.Image:
    """Red grows by 2 per pixel to the right, green by 2 per pixel downwards."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([2 * x, 2 * y, 0 * x], -1).astype(np.uint8))


def slopes(crop: Image.Image) -> tuple[float, float]:
    """Change of red per pixel to the right and of green per pixel downwards, away from the border."""
    pixels = np.asarray(crop).astype(float)[4:-4, 4:-4]
    return float(np.diff(pixels[..., 0], axis=1).mean()), float(np.diff(pixels[..., 1], axis=0).mean())


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_zoom_is_output_pixels_per_picture_pixel(zoom: float) -> None:
    crops = Crops(side=24, zoom=(zoom, zoom), flip=False)
    for seed in range(5):
        crop = crops.cut(ramp(80, 100), np.random.default_rng(seed))
        assert crop.size == (24, 24)
        assert slopes(crop) == pytest.approx((2 / zoom, 2 / zoom), rel=0.08)


@pytest.mark.parametrize("size", [(40, 90), (90, 40), (30, 30)])
@pytest.mark.parametrize("shorter", [24, 60])
def test_shorter_is_the_shorter_side_in_output_pixels(size: tuple[int, int], shorter: int) -> None:
    crops = Crops(side=24, zoom=(9.0, 9.0), shorter=(shorter, shorter), flip=False)
    for seed in range(3):
        crop = crops.cut(ramp(*size), np.random.default_rng(seed))
        assert crop.size == (24, 24)
        assert slopes(crop) == pytest.approx((2 * min(size) / shorter,) * 2, rel=0.08)


def test_a_large_jpeg_is_decoded_no_larger_than_its_crop_needs(tmp_path: Path) -> None:
    smooth = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8))
    smooth.resize((1000, 800), Image.Resampling.BICUBIC).save(tmp_path / "large.jpg", quality=95)
    assert decoded(tmp_path / "large.jpg", 150).size == (250, 200)
    assert decoded(tmp_path / "large.jpg").size == (1000, 800)
    stream = PictureStream([tmp_path / "large.jpg"], Crops(side=64, shorter=(100, 150)), seed=0)
    random = np.random.default_rng((0, 1, 3))
    whole = np.asarray(stream.crops.cut(decoded(tmp_path / "large.jpg"), random)).transpose(2, 0, 1)
    assert np.abs(stream[3].numpy().astype(float) - whole).mean() < 1


def test_shorter_is_drawn_from_its_range() -> None:
    crops = Crops(side=24, shorter=(24, 96), flip=False)
    sides = [2 * 80 / slopes(crops.cut(ramp(80, 100), np.random.default_rng(seed)))[0] for seed in range(60)]
    assert min(sides) > 22
    assert max(sides) < 105
    assert 20 <= sum(side < 48 for side in sides) <= 40, "as often in the lower half of the logarithms"


@pytest.mark.parametrize("size", [(12, 60), (60, 12), (9, 9)])
def test_a_small_picture_is_enlarged_just_enough_and_keeps_its_aspect(size: tuple[int, int]) -> None:
    crop = Crops(side=36, flip=False).cut(ramp(*size), np.random.default_rng(0))
    assert crop.size == (36, 36)
    assert slopes(crop) == pytest.approx((2 * min(size) / 36,) * 2, rel=0.08)


def test_zoom_is_drawn_from_its_range_and_half_is_mirrored() -> None:
    crops = Crops(side=24, zoom=(0.5, 2.0))
    across = [slopes(crops.cut(ramp(80, 100), np.random.default_rng(seed)))[0] for seed in range(60)]
    assert 15 <= sum(slope < 0 for slope in across) <= 45
    sizes = [abs(slope) for slope in across]
    assert min(sizes) > 0.9
    assert max(sizes) < 4.4
    assert 20 <= sum(size < 2 for size in sizes) <= 40, "as often above 1 as below it"


TRAINING = """
import multiprocessing, sys, time
from pathlib import Path
from impasto.data.folders import Crops, PictureStream, batches, list_pictures

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    stream = PictureStream(list_pictures([Path(sys.argv[2])]), Crops(side=8, zoom=(0.5, 1.5)), seed=3)
    drawn = batches(stream, size=2, start=0)
    next(drawn)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_workers_do_not_outlive_a_killed_training(method: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "training.py").write_text(TRAINING)
    command = [sys.executable, str(tmp_path / "training.py"), method, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as training:
        assert training.stdout is not None
        workers = [int(pid) for pid in training.stdout.readline().split()]
        assert workers
        assert all(is_alive(pid) for pid in workers)
        training.kill()
    patience = time.monotonic() + 15
    while any(is_alive(pid) for pid in workers):
        assert time.monotonic() < patience, "a worker is still there"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that ended and was not waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
