"""The graphs are the trained networks, whichever runtime computes them."""

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnxruntime_backend import ONNXRuntime

from impasto.encoders import load_encoder
from impasto.engine.architecture import LAYERS, DecoderConfig
from impasto.engine.backend import Backend, graph, one
from impasto.engine.given import Given, ground, grounds
from impasto.engine.openvino import OpenVINO
from impasto.engine.painter import Painter, encoded
from impasto.engine.preparation import colours
from impasto.engine.raster import Held, Window
from impasto.engine.statistics import Array, statistics_of
from impasto.engine.styles import Style, load_style
from impasto.gallery import styles_file
from impasto.methods.adain import network
from impasto.methods.adain.backend import PyTorch, load_decoder
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.adain.stylizer import AdaIN, decoder_file
from impasto.weights import WEIGHTS, location, sha256_of

RUNTIMES = ("openvino", "onnxruntime")

STYLE = load_style(styles_file(), "starry-night")
SOURCES = {"encode": "lite", "paint": "adain"}


@pytest.fixture(scope="module")
def trained() -> Backend:
    return PyTorch(load_encoder("lite"), load_decoder(decoder_file("adain"))[0])


@pytest.fixture(scope="module")
def runtime() -> Callable[[str, str], Backend]:
    return cache(lambda name, precision: OpenVINO(precision) if name == "openvino" else ONNXRuntime())


def photo(height: int, width: int) -> Array:
    return np.random.default_rng(height).random((1, 3, height, width), dtype=np.float32)


def painted(backend: Backend, picture: Array, *, at_once: bool) -> Array:
    """The picture with the statistics of its negative."""
    code = statistics_of(backend.encode(1 - picture))
    given = Given(code, backend.conditioning(code, 0.6), of_style=True, gain=backend.config.gain)
    if not at_once:
        given = given.exchanging(statistics_of(backend.encode(picture)))
    return backend.paint(picture, given, grounds(backend.config, Window(0, 0, *picture.shape[2:])))


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("size", [(9, 9), (75, 101), (130, 17)])
def test_painted_as_by_the_trained_networks(trained: Backend, runtime, name: str, size: tuple[int, int]) -> None:
    picture = photo(*size)
    expected = painted(trained, picture, at_once=True)
    for at_once in (True, False):
        np.testing.assert_allclose(painted(runtime(name, "fp32"), picture, at_once=at_once), expected, atol=0.1 / 255)


@pytest.mark.parametrize("name", RUNTIMES)
def test_moments_by_shares_are_those_of_the_trained_networks(trained: Backend, runtime, name: str) -> None:
    picture, shares = photo(45, 70), photo(45, 71)[:, :1, :, 1:]
    for counted in (None, shares, np.zeros_like(shares)):
        expected, found = (one.encode(picture, counted) for one in (trained, runtime(name, "fp32")))
        for layer in LAYERS:
            assert found[layer].total == pytest.approx(expected[layer].total)
            if found[layer].total:
                for one, other in zip(found[layer].statistics, expected[layer].statistics, strict=True):
                    np.testing.assert_allclose(one, other, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", [*RUNTIMES, "trained"])
def test_moments_by_several_shares_at_once_are_those_by_each(trained: Backend, runtime, name: str) -> None:
    backend = trained if name == "trained" else runtime(name, "auto")
    picture, shares = photo(45, 70), np.concatenate([photo(45, 70)[:, :1], np.zeros((1, 1, 45, 70), np.float32)])
    together = backend.encode(picture, shares)
    for row in (0, 1):
        alone = backend.encode(picture, shares[row : row + 1])
        for layer in LAYERS:
            for kind in ("total", "mean", "variance"):
                one, other = getattr(together[layer][row], kind), getattr(alone[layer], kind)
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert all(together[layer].total[1] == 0 for layer in LAYERS)


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_way_to_paint_is_that_of_the_trained_networks(trained: Backend, runtime, name: str) -> None:
    content, mask = np.concatenate([photo(50, 60), photo(51, 60)[:, :, 1:]]), photo(60, 50)[:, :1].swapaxes(2, 3)
    styles = [Style(encoded(trained, photo(40, side)), colours([(photo(40, side), None)]), "") for side in (40, 41)]
    ways: list[tuple[Array, dict[str, Any]]] = [
        (content, {"style": styles[0], "strength": 0.5, "detail": 0.5}),
        (content, {"style": styles[0], "opacity": Held(mask)}),
        (content[:1], {"regions": [(styles[0], Held(mask)), (styles[1], Held(1 - mask))], "strength": 0.8}),
    ]
    for picture, way in ways:
        expected, found = (Painter(backend=one, **way)(picture).clip(0, 1) for one in (trained, runtime(name, "fp32")))
        np.testing.assert_allclose(found, expected, atol=0.2 / 255)


@pytest.mark.parametrize("name", RUNTIMES)
def test_strokes_are_drawn_out_as_by_pytorch(trained: Backend, runtime, name: str) -> None:
    for size in ((9, 9), (60, 81)):
        painting, over, share = photo(*size), photo(size[0] + 1, size[1])[:, :, 1:], photo(*size)[:, :1]
        expected, found = (
            by.draw(painting, over, 2 * share, share, one(0.7)) for by in (trained, runtime(name, "auto"))
        )
        np.testing.assert_allclose(found, expected, atol=0.1 / 255)
        assert runtime(name, "auto").change(painting) == pytest.approx(trained.change(painting), rel=1e-3)


def test_the_runtime_calls_nobody() -> None:
    code = "import sys, impasto.engine.openvino; assert 'openvino_telemetry' not in sys.modules, 'it reports itself'"
    subprocess.run([sys.executable, "-c", code], check=True)


HANDLED = """
import signal
from impasto.engine.openvino import OpenVINO, signal_stack
before = signal_stack()
kept = OpenVINO()
assert signal_stack() == before
signal.signal(signal.SIGINT, lambda number, frame: print("handled"))
signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sigaltstack")
def test_signals_are_handled_where_they_were_before() -> None:
    """Ctrl-C, and the end of a process that loads data, on processors of every kind."""
    done = subprocess.run([sys.executable, "-c", HANDLED], capture_output=True, text=True, check=False)
    assert done.stdout == "handled\n", done.stderr


def test_half_precision_is_the_same_picture(runtime) -> None:
    """Where the processor has none it is emulated."""
    for at_once in (True, False):
        exact, half = (
            painted(runtime("openvino", precision), photo(96, 96), at_once=at_once) for precision in ("fp32", "bf16")
        )
        assert 0 < np.square(half - exact).mean() < 1e-4


def test_a_picture_is_painted_the_same_whatever_was_painted_before(runtime) -> None:
    first, _, again = (painted(runtime("openvino", "auto"), photo(side, 50), at_once=True) for side in (50, 40, 50))
    np.testing.assert_array_equal(first, again)


def test_graphs_are_small_and_of_the_weights_that_come_with_them() -> None:
    assert sum(graph(name).stat().st_size for name in SOURCES) < 4_000_000
    for name, source in SOURCES.items():
        model = onnx.load(graph(name))
        about = {entry.key: entry.value for entry in model.metadata_props}
        assert about["weights"] == sha256_of(location(WEIGHTS[source])), "make graphs"
        assert [opset.version for opset in model.opset_import] == [17]
        stored = {one.data_type for one in model.graph.initializer if np.prod(one.dims) > 16}
        assert stored == {onnx.TensorProto.FLOAT16}


def test_a_ground_is_a_function_of_the_place() -> None:
    whole = ground(40, 30, 2)
    np.testing.assert_array_equal(ground(20, 10, 2, 16, 8), whole[..., 16:36, 8:18])
    assert not np.array_equal(whole, ground(40, 30, 4)), "every size has its own"


def test_a_ground_has_deviation_1_and_no_period() -> None:
    values = ground(256, 256, 4)[0, 0]
    assert values.mean() == pytest.approx(0, abs=0.02)
    assert values.std() == pytest.approx(1, abs=0.01)
    assert np.abs(values).max() <= 3**0.5
    # The same at any distance: of noise, a correlation deviates by 1/256, and the largest of all by 5 times as much.
    spectrum = np.fft.fft2(values)
    correlation = np.fft.ifft2(spectrum * spectrum.conj()).real / values.size
    correlation[0, 0] = 0
    assert np.abs(correlation).max() < 6 / 256


def test_tiles_are_the_whole(runtime) -> None:
    content = photo(472, 411)
    painter = Painter(backend=runtime("openvino", "fp32"), style=STYLE, detail=0.9)
    whole, tiled = painter(content), replace(painter, side=300)(content)
    assert np.abs(tiled - whole).max() < 0.25 / 255


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
@pytest.mark.parametrize(("depths", "joined"), [((2, 2, 2, 4), True), ((2, 2, 4, 1), False)])
def test_the_halo_is_four_fifths_of_the_receptive_field(depths: tuple[int, ...], joined: bool, upsampling: str) -> None:
    widths = (2, 2, 2, 2)
    config = DecoderConfig(widths=widths, depths=depths, joined=joined, upsampling=upsampling)  # type: ignore[arg-type]
    encoder, decoder = load_encoder("lite"), network.Decoder(config).eval()
    torch.manual_seed(0)
    for parameter in decoder.parameters():
        torch.nn.init.uniform_(parameter, 0.1, 0.2)
    picture = torch.rand(1, 3, 256, 256, requires_grad=True)
    features = {layer: value[:, :2] for layer, value in encoder(picture, LAYERS).items()}
    result = decoder.paint({layer: features[layer] for layer in config.layers}, {})
    result[..., 128:136, 128:136].sum().backward()
    assert picture.grad is not None
    rows = picture.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    reach = max(128 - int(rows.min()), int(rows.max()) - 135)
    assert config.halo - 16 < 0.8 * reach < config.halo + 2


# --- programs are made while other work is done, where it is known that they will be needed --------------------------


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """(which program, whether that was beside the main thread) of those that are made."""
    programs: list[tuple[str, bool]] = []
    make = OpenVINO._compiled

    def made(self: OpenVINO, kind: str, shapes: Any) -> Any:
        programs.append((kind, threading.current_thread() is not threading.main_thread()))
        return make(self, kind, shapes)

    monkeypatch.setattr(OpenVINO, "_compiled", made)
    return programs


@pytest.mark.parametrize(
    ("detail", "wanted"),
    [(0.85, [("draw", True), ("exchange and paint", True)]), (1.0, [("exchange and paint", True)])],
)
@pytest.mark.parametrize("size", [(40, 56), (200, 230)])
def test_all_that_paints_a_picture_at_once_and_no_more_is_made_while_it_is_prepared(
    made, size: tuple[int, int], detail: float, wanted: Any
) -> None:
    Painter(backend=OpenVINO(), style=STYLE, detail=detail)(photo(*size))
    assert sorted(made) == wanted


@pytest.mark.parametrize("way", [{"style": STYLE, "strength": 0.5}, {"regions": [(STYLE, Held(photo(40, 56)[:, :1]))]}])
def test_strokes_are_made_ready_for_every_way_to_paint(made, way: dict[str, Any]) -> None:
    Painter(backend=OpenVINO(), detail=0.85, **way)(photo(40, 56))
    assert [program for program in made if program[0] == "draw"] == [("draw", True)]


def test_a_picture_is_encoded_once_for_the_statistics_of_all_regions(made) -> None:
    """And once more by the program that paints it."""
    mask = photo(40, 56)[:, :1]
    regions = [(STYLE, Held(mask)), (STYLE, Held(1 - mask))]
    encoded: list[tuple[int, ...]] = []

    class Counting(OpenVINO):
        def encode(self, picture: Any, shares: Any = None) -> Any:
            encoded.append(shares.shape)
            return super().encode(picture, shares)

    Painter(backend=Counting(), regions=regions)(photo(40, 56))
    assert encoded == [(3, 1, 40, 56)]
    assert sorted(kind for kind, _ in made) == ["paint", "shared moments"]


def test_a_style_is_looked_at_by_two_programs_that_are_made_beside_each_other(made) -> None:
    AdaIN().encode(photo(40, 56), AdaINOptions())
    assert sorted(made) == [("change", True), ("moments", False)]


def test_a_program_that_could_not_be_made_is_made_when_it_is_needed_again(monkeypatch) -> None:
    backend = OpenVINO()
    strokes = photo(20, 24), photo(20, 24), one(1.0), one(0.5), one(1.0)

    def fail(*_: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(OpenVINO, "_compiled", fail)
        backend.expect("draw", *strokes)
        with pytest.raises(MemoryError):
            backend.draw(*strokes)
    np.testing.assert_array_equal(backend.draw(*strokes), OpenVINO().draw(*strokes))
