"""`impasto.stylize`: any kind of picture in, the same kind out, and nothing lost on the way."""

import io
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_stylizer import FakeStylizer
from numpy.typing import NDArray
from picture_files import file_bytes
from PIL import Image

import impasto
from impasto import image
from impasto.errors import Cancelled, OptionError, PictureError
from impasto.masks import visible
from impasto.methods import StylizeOptions, Stylizer
from impasto.progress import Progress
from impasto.record import read_record

QUICK: dict[str, Any] = {"method": "gatys", "scales": 1, "steps": 2}
H, W = 20, 26


class Inverted(FakeStylizer):
    """A stylizer that can be foreseen: it answers with the negative of the content."""

    method = "gatys"

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Sequence[Any], StylizeOptions, Any]] = []

    def __call__(
        self, content: Any, styles: Sequence[Any], options: Any, *, start: Any = None, progress: Any = None, **how: Any
    ) -> Any:
        self.calls.append((content, styles, options, start))
        negative = 1 - visible(content)[0]
        if progress:
            try:
                progress(Progress(step=1, total=1))
            except Cancelled:
                raise Cancelled(best=negative) from None
        return negative


@pytest.fixture
def inverted() -> Inverted:
    return Inverted()


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return impasto.load("gatys", device="cpu")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(levels(3)).save(path)
    return path


def levels(channels: int = 0, dtype: Any = np.uint8, *, seed: int = 0) -> NDArray[Any]:
    shape = (H, W, channels) if channels else (H, W)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


STYLE = levels(3, seed=9)


# --- the same kind out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.float16])
@pytest.mark.parametrize("channels", [0, 1, 3])
def test_arrays(channels: int, dtype: Any, inverted: Inverted) -> None:
    is_whole = np.dtype(dtype).kind == "u"
    content = levels(channels, dtype) if is_whole else (levels(channels) / 255).astype(dtype)
    result = impasto.stylize(content, STYLE, stylizer=inverted)
    assert result.dtype == dtype
    negative = (np.iinfo(dtype).max if is_whole else 1) - content
    np.testing.assert_allclose(result, negative, rtol=0, atol=0 if is_whole else 2e-3 if dtype == np.float16 else 1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("shape", [(3, H, W), (1, 3, H, W)])
def test_tensors(shape: tuple[int, ...], dtype: torch.dtype, inverted: Inverted) -> None:
    content = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    result = impasto.stylize(content, STYLE, stylizer=inverted)
    assert result.dtype == dtype
    torch.testing.assert_close(result, 1 - content, atol=1e-3 if dtype == torch.float16 else 1e-6, rtol=0)


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("RGBA", 4), ("L", 0)])
def test_pil_images(mode: str, channels: int, inverted: Inverted) -> None:
    pixels = levels(channels)
    result = impasto.stylize(Image.fromarray(pixels), STYLE, stylizer=inverted)
    assert isinstance(result, Image.Image)
    assert result.size == (W, H)
    assert result.mode == ("RGBA" if mode == "RGBA" else "RGB")
    colours = np.asarray(result)[..., :3]
    expected = 255 - (pixels[..., None].repeat(3, 2) if mode == "L" else pixels[..., :3])
    # What can hardly be seen takes its colour from around it.
    shown = pixels[..., 3] > 32 if mode == "RGBA" else np.full((H, W), True)
    assert np.array_equal(colours[shown], expected[shown])
    assert mode != "RGBA" or np.array_equal(np.asarray(result)[..., 3], pixels[..., 3]), "alpha comes back as it was"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_bytes(kind: str, inverted: Inverted) -> None:
    result = impasto.stylize(file_bytes(Image.fromarray(levels(3)), kind), STYLE, stylizer=inverted)
    with Image.open(io.BytesIO(result)) as file:
        assert file.format == (kind if kind not in ("BMP", "GIF") else "PNG")
        assert file.size == (W, H)
    record = read_record(result)
    assert record["content"] == "bytes"


def test_sixteen_bits_stay_sixteen(tmp_path: Path, inverted: Inverted) -> None:
    pixels = levels(3, np.uint16)
    content = tmp_path / "deep.png"
    image.write(image.from_array(pixels), content, bits=16)
    result = impasto.stylize(content, STYLE, stylizer=inverted)
    assert np.array_equal(image.to_array(image.read(result), np.uint16), 65535 - pixels)
    data = impasto.stylize(content.read_bytes(), STYLE, stylizer=inverted)
    assert np.array_equal(image.to_array(image.read(data), np.uint16), 65535 - pixels)
    # A format of 8 bits takes 8.
    impasto.stylize(content, STYLE, stylizer=inverted, output=tmp_path / "a.jpg")
    assert image.read(tmp_path / "a.jpg").bits == 8


@pytest.mark.parametrize(("name", "expected"), [("a.bmp", "a-impasto.png"), ("a.TIF", "a-impasto.TIF")])
def test_a_path(name: str, expected: str, tmp_path: Path, inverted: Inverted) -> None:
    Image.fromarray(levels(3)).save(tmp_path / name)
    for content in (tmp_path / name, str(tmp_path / name)):
        assert impasto.stylize(content, STYLE, stylizer=inverted, overwrite=True) == tmp_path / expected
    assert np.array_equal(image.to_array(image.read(tmp_path / expected)), 255 - levels(3))
    assert np.array_equal(image.to_array(image.read(tmp_path / name)), levels(3)), "the input is as it was"
    named = tmp_path / "other.webp"
    assert impasto.stylize(tmp_path / name, STYLE, stylizer=inverted, output=str(named)) == named
    assert named.exists()


def test_alpha_of_a_file_comes_back(tmp_path: Path, inverted: Inverted) -> None:
    Image.fromarray(levels(4)).save(tmp_path / "a.png")
    result = impasto.stylize(tmp_path / "a.png", STYLE, stylizer=inverted)
    assert np.array_equal(image.to_array(image.read(result))[..., 3], levels(4)[..., 3])
    smaller = impasto.stylize(tmp_path / "a.png", STYLE, stylizer=inverted, size=13, output=tmp_path / "b.png")
    alpha = image.read(smaller).alpha
    assert alpha is not None
    assert alpha.shape == (1, 1, 10, 13)


# --- what is painted -------------------------------------------------------------------------------------------------


def test_what_the_method_is_given(photo: Path, inverted: Inverted, tmp_path: Path) -> None:
    start = tmp_path / "start.png"
    Image.fromarray(levels(3, seed=3)).save(start)
    styles: list[Any] = [photo, Image.fromarray(STYLE), STYLE, torch.rand(3, 5, 6)]
    options = StylizeOptions(method="gatys", size=13, seed=3)
    impasto.stylize(levels(3), styles, options, stylizer=inverted, init=str(start), seed=4)
    content, given, chosen, begun = inverted.calls[0]
    assert content.shape == (1, 3, 10, 13)
    assert [tuple(style.shape[1:]) for style in given] == [(3, H, W)] * 3 + [(3, 5, 6)]
    assert chosen == StylizeOptions(method="gatys", size=13, seed=4, init=str(start))
    assert options.seed == 3
    assert begun is not None
    assert np.array_equal(begun, image.read(start).pixels)


def test_the_record_says_how(photo: Path, stylizer: Stylizer) -> None:
    result = impasto.stylize(photo, [photo, STYLE], stylizer=stylizer, seed=5, **QUICK)
    record = read_record(result)
    assert record["method"] == "gatys"
    assert record["seed"] == record["options"]["seed"] == 5
    assert (record["content"], record["style"]) == ("photo.png", ["photo.png", "ndarray"])
    assert record["size"] == [W, H]
    assert record["version"] == impasto.__version__
    assert len(record["weights"]["lite"]) == 64
    assert record["retreats"] == 0
    again = impasto.stylize(levels(3), [photo, STYLE], StylizeOptions(**record["options"]), stylizer=stylizer)
    assert np.array_equal(again, image.to_array(image.read(result))), "the record repeats the picture"


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_taken_name_is_refused_before_painting(photo: Path, inverted: Inverted, tmp_path: Path) -> None:
    taken, style = tmp_path / "taken.png", tmp_path / "style.png"
    for path in (taken, style):
        Image.fromarray(STYLE).save(path)
    before = taken.read_bytes()
    refused: list[tuple[Path, bool, str]] = [
        (taken, False, "the file exists"),
        (photo, True, "never overwritten"),
        (style, True, "never overwritten"),
        (tmp_path / "a.xyz", False, "not a format to write"),
        (tmp_path / "nowhere" / "a.png", False, "does not exist"),
        (tmp_path, True, r"folder|suffix"),
    ]
    for output, overwrite, reason in refused:
        with pytest.raises(PictureError, match=reason):
            impasto.stylize(photo, style, stylizer=inverted, output=output, overwrite=overwrite)
    assert inverted.calls == []
    assert taken.read_bytes() == before
    impasto.stylize(photo, style, stylizer=inverted, output=taken, overwrite=True)
    assert taken.read_bytes() != before


def test_the_default_name_is_refused_if_taken(photo: Path, inverted: Inverted) -> None:
    impasto.stylize(photo, STYLE, stylizer=inverted)
    with pytest.raises(PictureError, match=r"photo-impasto\.png: the file exists"):
        impasto.stylize(photo, STYLE, stylizer=inverted)
    assert len(inverted.calls) == 1


def test_what_makes_no_sense(photo: Path, inverted: Inverted) -> None:
    with pytest.raises(OptionError, match="output is for a content that is a path"):
        impasto.stylize(levels(3), STYLE, stylizer=inverted, output="a.png")  # type: ignore[call-overload]
    with pytest.raises(OptionError, match="not int"):
        impasto.stylize(levels(3), 3, stylizer=inverted)  # type: ignore[call-overload]
    with pytest.raises(PictureError, match=r"nowhere\.jpg"):
        impasto.stylize(photo.with_name("nowhere.jpg"), STYLE, stylizer=inverted)
    with pytest.raises(PictureError, match="floats are in"):
        impasto.stylize(levels(3).astype(np.float32), STYLE, stylizer=inverted)
    with pytest.raises(OptionError, match=r"options are impasto\.StylizeOptions\(\.\.\.\), not dict"):
        impasto.stylize(STYLE, STYLE, {"size": 13}, stylizer=inverted)  # type: ignore[call-overload]
    assert inverted.calls == []


# --- progress and stopping -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["array", "tensor", "pil", "bytes", "path"])
def test_cancelling_gives_the_best_picture_of_the_results_kind(kind: str, photo: Path, inverted: Inverted) -> None:
    content: Any = {
        "array": levels(4),
        "tensor": torch.rand(3, H, W),
        "pil": Image.fromarray(levels(3)),
        "bytes": photo.read_bytes(),
        "path": photo,
    }[kind]

    def cancel(progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled) as caught:
        impasto.stylize(content, STYLE, stylizer=inverted, progress=cancel)
    best = caught.value.best
    assert isinstance(best, Image.Image if kind == "path" else type(content))
    if kind == "array":
        assert np.array_equal(best[..., 3], content[..., 3])
    assert not photo.with_name("photo-impasto.png").exists()


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)])
def test_numbers_of_other_libraries(number: Any, photo: Path, inverted: Inverted, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    impasto.stylize(
        photo, STYLE, stylizer=inverted, output=out, size=np.int64(13), style_scale=number, steps=np.uint8(3)
    )
    chosen = inverted.calls[0][2]
    assert chosen == StylizeOptions(method="gatys", size=13, style_scale=0.5, steps=3)
    assert read_record(out)["options"]["style_scale"] == 0.5


@pytest.mark.parametrize("wrong", [{"size": np.float32(13)}, {"size": np.True_}, {"tv_weight": np.array([1.0])}])
def test_numbers_of_other_libraries_that_make_no_sense(wrong: dict[str, Any], inverted: Inverted) -> None:
    with pytest.raises(OptionError, match="but must be a"):
        impasto.stylize(levels(3), STYLE, stylizer=inverted, **wrong)


@pytest.mark.parametrize("path", ["", "a\0.png", "."])
def test_paths_that_no_picture_can_have(path: str, photo: Path, inverted: Inverted, tmp_path: Path) -> None:
    for what in ({"content": path}, {"style": path}, {"masks": path}, {"masks": [path]}, {"output": path}):
        given: dict[str, Any] = {"content": photo, "style": STYLE, "output": tmp_path / "new.png"} | what
        with pytest.raises(PictureError, match=r"empty|NUL|folder|no suffix"):
            impasto.stylize(stylizer=inverted, **given)
    with pytest.raises(PictureError, match=r"empty|NUL|folder"):
        impasto.stylize(STYLE, STYLE, method="gatys", init=path)
    assert inverted.calls == []


def test_a_matrix_is_an_array(inverted: Inverted) -> None:
    matrix = levels(0).view(np.matrix)
    painted = impasto.stylize(matrix, matrix, stylizer=inverted)
    assert np.array_equal(painted, 255 - levels(0))


@pytest.mark.parametrize(
    "choices",
    [
        {"method": "adain", "refine": 1},
        {"method": "gatys", "scales": 1, "steps": 1, "init": "noise"},
        {"method": "nla-cyclegan"},
    ],
)
def test_a_callers_random_numbers_stay_his_own(choices: dict[str, Any]) -> None:
    is_generator = choices["method"] == "nla-cyclegan"
    new = impasto.load(choices["method"], weights="monet" if is_generator else None, device="cpu")
    before = torch.get_rng_state()
    impasto.stylize(STYLE, () if is_generator else STYLE, stylizer=new, **choices)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_forked_after_painting_can_paint() -> None:
    code = """
        import os, signal, torch, impasto
        torch.set_num_threads(2)
        def paint():
            impasto.stylize(torch.rand(1, 3, 96, 96), torch.rand(1, 3, 64, 64), style_scale=0.2)
        paint()
        child = os.fork()
        if not child:
            signal.alarm(30)
            paint()
            os._exit(0)
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment, check=False).returncode == 0


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/stylize.md"])
def test_examples_of_the_documentation_work_more_than_once(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(import impasto\n.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("photo.jpg", "painting.jpg")):
        noise = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(name)
    assert examples
    for example in examples * 2:
        exec(example, {})
    assert Path("out.jpg").exists()
