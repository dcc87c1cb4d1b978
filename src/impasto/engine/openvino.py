"""The graphs, run by OpenVINO: in bfloat16 where the processor multiplies in it."""

import ctypes
import importlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from impasto.engine.architecture import LAYERS
from impasto.engine.backend import (
    KINDS,
    embedded,
    graph,
    inputs_of_change,
    inputs_of_draw,
    inputs_of_paint,
    moments_by,
    moments_of,
)
from impasto.engine.given import Given
from impasto.engine.signals import signal_stack_kept
from impasto.engine.statistics import EPSILON, Array, Moments
from impasto.engine.threads import threads
from impasto.errors import OptionError

# Programs for one shape that are kept; and of those for large pictures, which hold some memory even when they do not
# run: those of two octaves.
KEPT, KEPT_LARGE = 16, 6

CONVERTER = "openvino.tools.ovc"


def _imported() -> Any:
    """OpenVINO without its converter of models, which nothing here needs: importing that tells its makers over the
    network that it was imported, from a process that it forks."""
    is_there = CONVERTER in sys.modules
    if not is_there:
        sys.modules[CONVERTER] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        if not is_there:
            del sys.modules[CONVERTER]


openvino = _imported()
ops = openvino.opset13

# Numbers in a picture whose programs take memory that counts: 200 bytes for each pixel.
LARGE = 3 * 2**18

# What each of the programs computes.
PAINTED = ["painted"]
OUTPUTS = {
    "moments": moments_by(shared=False),
    "shared moments": moments_by(shared=True),
    "paint": PAINTED,
    "exchange and paint": PAINTED,
    "draw": ["drawn"],
    "change": ["change"],
}

Shapes = tuple[tuple[str, tuple[int, ...]], ...]

Inputs = Mapping[str, Array]


class OpenVINO:
    """See `Backend`.

    A program is made for each shape: it is faster by a third than one for all, and the same picture is always painted
    the same. That takes a tenth of a second.
    """

    def __init__(self, precision: str = "auto") -> None:
        self._core = openvino.Core()
        with signal_stack_kept():
            abilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision not in ("auto", "fp32", "bf16"):
            raise OptionError(f"precision is '{precision}', but must be auto, fp32 or bf16")
        self.half = "BF16" in abilities if precision == "auto" else precision == "bf16"
        self.config, self.conditioning = embedded()
        self._settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self.half else "f32",
            "INFERENCE_NUM_THREADS": threads(),
            # Else the threads of every process are bound to the same processors, which then wait for each other.
            "ENABLE_CPU_PINNING": False,
        }
        self._programs: OrderedDict[Any, Any] = OrderedDict()
        self._large_programs: OrderedDict[Any, Any] = OrderedDict()
        self._largest: Any = None

    def encode(self, picture: Array, shares: Array | None = None) -> dict[str, Moments]:
        found = self._run(*_of_encode(picture, shares))
        return moments_of(found, (picture.shape[2], picture.shape[3]))

    def paint(self, picture: Array, given: Given, grounds: Mapping[str, Array]) -> Array:
        found = self._run(*_of_paint(picture, given, grounds))
        # What is painted next is painted in the same place.
        return np.array(found["painted"])

    def draw(self, painted: Array, over: Array, reach: Array, share: Array, contrast: Array) -> Array:
        return np.array(self._run(*_of_draw(painted, over, reach, share, contrast))["drawn"])

    def change(self, painting: Array) -> float:
        return float(self._run(*_of_change(painting))["change"].item())

    def expect(self, call: str, *arguments: Any) -> None:
        kind, inputs = CALLS[call](*arguments)
        programs, kept = self._kept(inputs)
        key = kind, _shapes(inputs)
        if key in programs:
            return
        _leave(programs, kept - 1)
        # Of one thread, which ends with its work: a process that is forked off later would wait for it for ever.
        maker = ThreadPoolExecutor(1)
        programs[key] = maker.submit(self._compiled, *key)
        maker.shutdown(wait=False)

    def release(self) -> None:
        self._large_programs.clear()
        self._largest = None
        _give_back()

    def _run(self, kind: str, inputs: Inputs) -> dict[str, Array]:
        program = self._program(kind, inputs)
        if _is_large(inputs):
            self._make_room(program)
        # What is only read has to be writable to be shared, and to be kept until it has been read.
        shared = {name: np.require(array, np.float32, ["C", "W"]) for name, array in inputs.items()}
        for name, array in shared.items():
            program.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        program.infer()
        return {name: program.get_output_tensor(place).data for place, name in enumerate(OUTPUTS[kind])}

    def _make_room(self, program: Any) -> None:
        """Of programs for large pictures only the one that runs keeps memory for what it computes."""
        if program is not self._largest:
            if self._largest is not None:
                self._largest.get_compiled_model().release_memory()
            self._largest = program
            _give_back()

    def _program(self, kind: str, inputs: Inputs) -> Any:
        programs, kept = self._kept(inputs)
        key = kind, _shapes(inputs)
        program = programs.pop(key, None)
        if program is None:
            # The oldest goes first, so that they are not all there at once.
            _leave(programs, kept - 1)
            program = self._compiled(*key)
        programs[key] = program.result() if isinstance(program, Future) else program
        return programs[key]

    def _kept(self, inputs: Inputs) -> tuple[OrderedDict[Any, Any], int]:
        """The programs, or those that are being made, for inputs as large as these, the oldest first; and how many of
        them are kept."""
        return (self._large_programs, KEPT_LARGE) if _is_large(inputs) else (self._programs, KEPT)

    def _compiled(self, kind: str, shapes: Shapes) -> Any:
        model = self._core.read_model(graph("strokes" if kind in ("draw", "change") else "encode"))
        if OUTPUTS[kind] != PAINTED:
            model = _cut([model.output(name) for name in OUTPUTS[kind]], model.get_parameters())
        else:
            decoder = self._core.read_model(graph("paint"))
            given = list(decoder.get_parameters())
            if kind == "exchange and paint":
                given = _exchanging(model, given, self.config.gain)
            model = _joined(model, decoder, given)
        model.reshape({name: openvino.PartialShape(list(shape)) for name, shape in shapes})
        # Places in a picture need more digits than half precision has.
        exact = {"INFERENCE_PRECISION_HINT": "f32"} if kind in ("draw", "change") else {}
        return self._core.compile_model(model, "CPU", self._settings | exact).create_infer_request()


def _of_encode(picture: Array, shares: Array | None = None) -> tuple[str, Inputs]:
    """Which program, and what it takes; as below."""
    return (
        ("moments", {"picture": picture})
        if shares is None
        else ("shared moments", {"picture": picture, "shares": shares})
    )


def _of_paint(picture: Array, given: Given, grounds: Mapping[str, Array]) -> tuple[str, Inputs]:
    kind = "exchange and paint" if given.of_style else "paint"
    return kind, {"picture": picture, **inputs_of_paint(given, grounds)}


def _of_draw(*arguments: Array) -> tuple[str, Inputs]:
    return "draw", inputs_of_draw(*arguments)


def _of_change(painting: Array) -> tuple[str, Inputs]:
    return "change", inputs_of_change(painting)


CALLS: dict[str, Callable[..., tuple[str, Inputs]]] = {
    "encode": _of_encode, "paint": _of_paint, "draw": _of_draw, "change": _of_change,
}  # fmt: skip


def _shapes(inputs: Inputs) -> Shapes:
    return tuple((name, array.shape) for name, array in inputs.items())


def _is_large(inputs: Inputs) -> bool:
    return max(array.size for array in inputs.values()) > LARGE


def _leave(programs: OrderedDict[Any, Any], count: int) -> None:
    """So many of them, the youngest."""
    while len(programs) > count:
        programs.popitem(last=False)


def _give_back() -> None:
    """To the system, what making a program took: glibc would keep some ten megabytes of each."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _joined(encoder: Any, decoder: Any, given: list[Any]) -> Any:
    """One model of both, so that features stay where and as they are. given: the decoder's other parameters."""
    for parameter in decoder.get_parameters():
        if parameter.get_friendly_name() in LAYERS:
            parameter.output(0).replace(_features(encoder, parameter.get_friendly_name()))
    return _cut(decoder.outputs, [*encoder.get_parameters(), *given])


def _exchanging(encoder: Any, given: list[Any], gain: float) -> list[Any]:
    """The decoder's parameters, but for scales and shifts of features: these are computed from the features and from
    the style's statistics, which are parameters in their place."""
    by_name = {parameter.get_friendly_name(): parameter for parameter in given}
    for layer in LAYERS:
        features, places = _features(encoder, layer), ops.constant([2, 3])
        channels = features.get_partial_shape()[1].get_length()
        mean = ops.reduce_mean(features, places, keep_dims=True)
        variance = ops.reduce_mean(ops.power(ops.subtract(features, mean), np.float32(2)), places, keep_dims=True)
        style_mean, style_std = (ops.parameter([-1, channels, 1, 1]) for _ in KINDS)
        scale = ops.divide(style_std, ops.sqrt(ops.add(variance, np.float32(EPSILON))))
        if gain:
            scale = ops.minimum(scale, np.float32(gain))
        shift = ops.subtract(style_mean, ops.multiply(mean, scale))
        for kind, parameter, value in (("scale", style_mean, scale), ("shift", style_std, shift)):
            by_name[f"{layer}.{kind}"].output(0).replace(value.output(0))
            parameter.output(0).set_names({f"{layer}.{kind}"})
            by_name[f"{layer}.{kind}"] = parameter
    return list(by_name.values())


def _features(encoder: Any, layer: str) -> Any:
    """The port that computes them."""
    return encoder.output(layer).get_node().input_value(0)


def _cut(ends: list[Any], parameters: list[Any]) -> Any:
    """A model of these outputs, with those of the parameters that they need."""
    needed, left = set(), [end.get_node() for end in ends]
    while left:
        node = left.pop()
        if node.get_name() not in needed:
            needed.add(node.get_name())
            left += [port.get_source_output().get_node() for port in node.inputs()]
    used = [one for one in parameters if one.get_name() in needed]
    return openvino.Model([end.get_node() for end in ends], used)
