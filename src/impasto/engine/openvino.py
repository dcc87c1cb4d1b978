"""The graphs, run by OpenVINO: in bfloat16 where the processor multiplies in it."""

import ctypes
import importlib
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from impasto.device import threads
from impasto.engine.architecture import LAYERS
from impasto.engine.backend import CALLS, KINDS, OUTPUTS, embedded, graph, moments_of
from impasto.engine.given import Given
from impasto.engine.statistics import EPSILON, Array, Moments
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

Inputs = Mapping[str, Array]
Shapes = tuple[tuple[str, tuple[int, ...]], ...]
Key = tuple[str, Shapes]


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
        self._programs: OrderedDict[Key, Any] = OrderedDict()
        self._large_programs: OrderedDict[Key, Any] = OrderedDict()
        self._largest: Any = None

    def encode(self, picture: Array, shares: Array | None = None) -> dict[str, Moments]:
        return moments_of(self._run("encode", picture, shares), picture.shape[2:])

    def paint(self, picture: Array, given: Given, grounds: Mapping[str, Array]) -> Array:
        return self._run("paint", picture, given, grounds)["painted"]

    def draw(self, painted: Array, over: Array, reach: Array, share: Array, contrast: Array) -> Array:
        return self._run("draw", painted, over, reach, share, contrast)["drawn"]

    def change(self, painting: Array) -> float:
        return float(self._run("change", painting)["change"].item())

    def expect(self, call: str, *arguments: Any) -> None:
        programs, key = self._place_of(*CALLS[call](*arguments))
        if key not in programs:
            # Of one thread, which ends with its work: a process that is forked off later would wait for it for ever.
            maker = ThreadPoolExecutor(1)
            programs[key] = maker.submit(self._compiled, *key)
            maker.shutdown(wait=False)

    def release(self) -> None:
        self._large_programs.clear()
        self._largest = None
        _give_back()

    def _run(self, call: str, *arguments: Any) -> dict[str, Array]:
        kind, inputs = CALLS[call](*arguments)
        program = self._program(kind, inputs)
        if _is_large(inputs):
            self._make_room(program)
        # What is only read has to be writable to be shared, and to be kept until it has been read.
        shared = {name: np.require(array, np.float32, ["C", "W"]) for name, array in inputs.items()}
        for name, array in shared.items():
            program.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        program.infer()
        # What is computed next is computed in the same place.
        return {name: np.array(program.get_output_tensor(place).data) for place, name in enumerate(OUTPUTS[kind])}

    def _make_room(self, program: Any) -> None:
        """Of programs for large pictures only the one that runs keeps memory for what it computes."""
        if program is not self._largest:
            if self._largest is not None:
                self._largest.get_compiled_model().release_memory()
            self._largest = program
            _give_back()

    def _program(self, kind: str, inputs: Inputs) -> Any:
        programs, key = self._place_of(kind, inputs)
        program = programs.pop(key) if key in programs else self._compiled(*key)
        programs[key] = program.result() if isinstance(program, Future) else program
        return programs[key]

    def _place_of(self, kind: str, inputs: Inputs) -> tuple[OrderedDict[Key, Any], Key]:
        """The programs, or those that are being made, for inputs as large as these, the last used last; and where the
        one for these is among them, or can be."""
        programs, count = (self._large_programs, KEPT_LARGE) if _is_large(inputs) else (self._programs, KEPT)
        key = kind, tuple((name, array.shape) for name, array in inputs.items())
        # The oldest goes first, so that they are not all there at once.
        while key not in programs and len(programs) >= count:
            programs.popitem(last=False)
        return programs, key

    def _compiled(self, kind: str, shapes: Shapes) -> Any:
        model = self._core.read_model(graph("strokes" if kind in ("draw", "change") else "encode"))
        if OUTPUTS[kind] != ["painted"]:
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


def _is_large(inputs: Inputs) -> bool:
    return max(array.size for array in inputs.values()) > LARGE


def _give_back() -> None:
    """To the system, what making a program took: glibc would keep some ten megabytes of each."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _joined(encoder: Any, decoder: Any, given: list[Any]) -> Any:
    """One model of both, so that features stay where and as they are. given: the decoder's other parameters."""
    for parameter in decoder.get_parameters():
        if parameter.get_friendly_name() in LAYERS:
            parameter.output(0).replace(_source(encoder, parameter.get_friendly_name()))
    return _cut(decoder.outputs, [*encoder.get_parameters(), *given])


def _exchanging(encoder: Any, given: list[Any], gain: float) -> list[Any]:
    """The decoder's parameters, but for scales and shifts of features: these are computed from the features and from
    the style's statistics, which are parameters in their place."""
    by_name = {parameter.get_friendly_name(): parameter for parameter in given}
    for layer in LAYERS:
        mean, variance = (_source(encoder, f"{layer}.{kind}") for kind in ("mean", "variance"))
        channels = mean.get_partial_shape()[1].get_length()
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


def _source(encoder: Any, name: str) -> Any:
    """The port that computes an output."""
    return encoder.output(name).get_node().input_value(0)


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


# --- where signals are handled, of which the runtime has ideas of its own --------------------------------------------

# Of sigaltstack(2): of a stack that is none.
DISABLED = 2


class _Stack(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


def signal_stack() -> tuple[int | None, int, int]:
    """Address, flags and size of the stack that this thread handles signals on (sigaltstack(2)). Linux only."""
    found = _Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found.pointer, found.flags, found.size


@contextmanager
def signal_stack_kept() -> Iterator[None]:
    """This thread handles signals after that where it did before.

    OpenVINO on a processor with AMX leaves a thread a stack that has room for what the kernel puts there, and for
    nothing else: with it Python's handlers, of Ctrl-C or of a process that ended, end in a segmentation fault.
    """
    if sys.platform != "linux":
        yield
        return
    before = signal_stack()
    try:
        yield
    finally:
        exchange = ctypes.CDLL(None).sigaltstack
        if exchange(ctypes.byref(_Stack(*before)), None):
            # With AMX in use that stack, too, is one that the kernel finds small.
            exchange(ctypes.byref(_Stack(None, DISABLED, 0)), None)
