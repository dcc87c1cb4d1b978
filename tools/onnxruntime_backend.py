"""The engine's graphs, run by ONNX Runtime in float32: what tests and benchmarks hold OpenVINO to.

The page that paints in the browser runs them by its WebAssembly.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from impasto.device import threads
from impasto.engine import backend
from impasto.engine.architecture import LAYERS
from impasto.engine.backend import OUTPUTS
from impasto.engine.given import Given
from impasto.engine.statistics import Array, Moments, statistics_of


class ONNXRuntime:
    """See `impasto.engine.backend.Backend`."""

    def __init__(self) -> None:
        self.config, self.conditioning = backend.embedded()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        self._encode, self._paint, self._strokes = (
            onnxruntime.InferenceSession(backend.graph(name), options, providers=["CPUExecutionProvider"])
            for name in ("encode", "paint", "strokes")
        )

    def encode(self, picture: Array, shares: Array | None = None) -> dict[str, Moments]:
        kind, inputs = backend.encoding(picture, shares)
        return _moments(self._encoded(inputs, OUTPUTS[kind]), picture)

    def paint(self, picture: Array, given: Given, grounds: Mapping[str, Array]) -> Array:
        found = self._encoded({"picture": picture}, [*LAYERS, *(OUTPUTS["moments"] if given.of_style else [])])
        features = {layer: found.pop(layer) for layer in LAYERS}
        if given.of_style:
            given = given.exchanging(statistics_of(_moments(found, picture)))
        binding = self._paint.io_binding()
        for layer, value in features.items():
            binding.bind_ortvalue_input(layer, value)
        inputs = backend.painting(picture, given, grounds)[1]
        # Kept until they have been read.
        kept = {name: np.ascontiguousarray(array) for name, array in inputs.items() if name != "picture"}
        for name, array in kept.items():
            binding.bind_cpu_input(name, array)
        binding.bind_output("painted")
        self._paint.run_with_iobinding(binding)
        painted: Array = binding.get_outputs()[0].numpy()
        return painted

    def draw(self, painted: Array, over: Array, reach: Array, share: Array, contrast: Array) -> Array:
        inputs = backend.drawing(painted, over, reach, share, contrast)[1]
        drawn: Array = self._strokes.run(["drawn"], inputs)[0]
        return drawn

    def change(self, painting: Array) -> float:
        return float(self._strokes.run(["change"], backend.changing(painting)[1])[0].item())

    def expect(self, call: str, *arguments: Any) -> None:
        """It is ready."""

    def release(self) -> None:
        """There is none."""

    def _encoded(self, inputs: Mapping[str, Array], names: Sequence[str]) -> dict[str, Any]:
        """Outputs of the encoder, by name."""
        binding = self._encode.io_binding()
        everywhere = np.ones((1, 1, *inputs["picture"].shape[2:]), np.float32)
        kept = {name: np.ascontiguousarray(array) for name, array in ({"shares": everywhere} | dict(inputs)).items()}
        for name, array in kept.items():
            binding.bind_cpu_input(name, array)
        for name in names:
            binding.bind_output(name)
        self._encode.run_with_iobinding(binding)
        return dict(zip(names, binding.get_outputs(), strict=True))


def _moments(found: Mapping[str, Any], picture: Array) -> dict[str, Moments]:
    return backend.moments_of({name: value.numpy() for name, value in found.items()}, picture.shape[2:])
