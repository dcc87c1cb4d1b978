"""The graphs, run by OpenVINO: in bfloat16 where the processor multiplies in it."""

import os
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino

from impasto.engine.architecture import LAYERS
from impasto.engine.backend import Wanted, embedded, graph, inputs_of_paint, moments_of, outputs_of_encode
from impasto.engine.statistics import Array, Moments, Statistics
from impasto.errors import OptionError

# Programs for one shape that are kept: two passes, with and without shares, over tiles of four shapes.
KEPT = 16

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


class OpenVINO:
    """See `Backend`.

    A program that was compiled for one shape is faster, by a third for small pictures, but takes a moment to be made:
    the first picture gets its own, others that of any shape until their shape comes a second time.
    """

    def __init__(self, precision: str = "auto") -> None:
        self._core = openvino.Core()
        abilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision not in ("auto", "fp32", "bf16"):
            raise OptionError(f"precision is '{precision}', but must be auto, fp32 or bf16")
        self.half = "BF16" in abilities if precision == "auto" else precision == "bf16"
        self.config, self.conditioning = embedded()
        self._settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self.half else "f32",
            "INFERENCE_NUM_THREADS": int(os.environ.get("OMP_NUM_THREADS", "0")),
        }
        self._programs: OrderedDict[Any, openvino.InferRequest] = OrderedDict()
        self._seen: Counter[Any] = Counter()

    def encode(
        self, picture: Array, shares: Array | None = None, wanted: Wanted = "both"
    ) -> tuple[Any, dict[str, Moments]]:
        inputs = {"picture": picture} | ({} if shares is None or wanted == "features" else {"shares": shares})
        names = outputs_of_encode(shares is not None, wanted)
        found = self._run("encode", inputs, names)
        features = {layer: found.pop(layer) for layer in LAYERS if layer in found}
        numbers = {name: value.data for name, value in found.items()}
        return features, moments_of(numbers, (picture.shape[2], picture.shape[3]))

    def paint(
        self,
        features: Any,
        exchange: Mapping[str, Statistics],
        modulation: Mapping[str, Statistics],
        grounds: Mapping[str, Array],
        size: tuple[int, int],
    ) -> Array:
        found = self._run("paint", {**features, **inputs_of_paint(exchange, modulation, grounds)}, ["painted"])
        # What is painted next is painted in the same place.
        return np.array(found["painted"].data)

    def _run(self, name: str, inputs: Mapping[str, Any], outputs: list[str]) -> dict[str, Any]:
        shapes = tuple((port, tuple(value.shape)) for port, value in inputs.items())
        program = self._program(name, shapes, outputs)
        for port, value in inputs.items():
            if isinstance(value, np.ndarray):
                # What is only read may still have to be writable to be shared.
                array = np.require(value, np.float32, ["C", "W"])
                value = openvino.Tensor(array, shared_memory=True)  # noqa: PLW2901
            program.set_tensor(port, value)
        program.infer()
        return {output: program.get_tensor(output) for output in outputs}

    def _program(self, name: str, shapes: Shapes, outputs: list[str]) -> Any:
        general, own = (name, *outputs), (name, *outputs, shapes)
        self._seen[own] += 1
        is_first = not any(key[: len(general)] == general for key in self._programs)
        key = own if own in self._programs or is_first or self._seen[own] > 1 else general
        if key not in self._programs:
            self._programs[key] = self._compiled(name, shapes if key is own else None, outputs)
            if len(self._programs) > KEPT:
                self._programs.popitem(last=False)
        self._programs.move_to_end(key)
        return self._programs[key]

    def _compiled(self, name: str, shapes: Shapes | None, outputs: list[str]) -> Any:
        model = self._core.read_model(graph(name))
        ends = [model.output(name) for name in outputs]
        needed = [name for name, _ in shapes] if shapes else None
        model = _cut(model, ends)
        assert needed is None or set(needed) == {port.get_any_name() for port in model.inputs}
        if shapes:
            model.reshape({name: openvino.PartialShape(list(shape)) for name, shape in shapes})
        if self.half:
            model = _half_features(model)
        return self._core.compile_model(model, "CPU", self._settings).create_infer_request()


def _cut(model: Any, ends: list[Any]) -> Any:
    """The part of a model that these outputs need."""
    needed, open_ = set(), [end.get_node() for end in ends]
    while open_:
        node = open_.pop()
        if node.get_friendly_name() not in needed:
            needed.add(node.get_friendly_name())
            open_ += [port.get_source_output().get_node() for port in node.inputs()]
    parameters = [one for one in model.get_parameters() if one.get_friendly_name() in needed]
    return openvino.Model([end.get_node() for end in ends], parameters)


def _half_features(model: Any) -> Any:
    """Features enter and leave as they are computed."""
    change = openvino.preprocess.PrePostProcessor(model)
    for ports, place in ((model.inputs, change.input), (model.outputs, change.output)):
        for port in ports:
            if port.get_any_name() in LAYERS:
                place(port.get_any_name()).tensor().set_element_type(openvino.Type.bf16)
    return change.build()
