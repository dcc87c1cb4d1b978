"""The graphs, run by ONNX Runtime; in float32."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from impasto.engine.architecture import LAYERS
from impasto.engine.backend import (
    embedded,
    graph,
    inputs_of_change,
    inputs_of_draw,
    inputs_of_paint,
    moments_by,
    moments_of,
)
from impasto.engine.given import Given
from impasto.engine.statistics import Array, Moments
from impasto.engine.threads import threads
from impasto.errors import OptionError


class ONNXRuntime:
    """See `Backend`."""

    def __init__(self, precision: str = "auto") -> None:
        if precision == "bf16":
            raise OptionError("precision is 'bf16', but ONNX Runtime computes in fp32 on processors")
        self.config, self.conditioning = embedded()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        self._encode, self._paint, self._strokes = (
            onnxruntime.InferenceSession(graph(name), options, providers=["CPUExecutionProvider"])
            for name in ("encode", "paint", "strokes")
        )

    def encode(self, picture: Array, shares: Array | None = None) -> dict[str, Moments]:
        return self._encoded(picture, shares, moments_by(shared=shares is not None))[1]

    def paint(self, picture: Array, given: Given, grounds: Mapping[str, Array]) -> Array:
        names = moments_by(shared=False) if given.of_style else []
        features, own = self._encoded(picture, None, [*LAYERS, *names])
        binding = self._paint.io_binding()
        for layer, value in features.items():
            binding.bind_ortvalue_input(layer, value)
        inputs = inputs_of_paint(given.exchanging(own), grounds)
        # Kept until they have been read.
        inputs = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        for name, array in inputs.items():
            binding.bind_cpu_input(name, array)
        binding.bind_output("painted")
        self._paint.run_with_iobinding(binding)
        painted: Array = binding.get_outputs()[0].numpy()
        return painted

    def draw(self, painted: Array, over: Array, reach: Array, share: Array, contrast: Array) -> Array:
        drawn: Array
        (drawn,) = self._strokes.run(["drawn"], inputs_of_draw(painted, over, reach, share, contrast))
        return drawn

    def change(self, painting: Array) -> float:
        return float(self._strokes.run(["change"], inputs_of_change(painting))[0].item())

    def expect(self, call: str, *arguments: Any) -> None:
        """It is ready."""

    def release(self) -> None:
        """There is none."""

    def _encoded(
        self, picture: Array, shares: Array | None, names: list[str]
    ) -> tuple[dict[str, Any], dict[str, Moments]]:
        """Those of the outputs that are features, and moments of the others, if there are any."""
        binding = self._encode.io_binding()
        counted = np.ones((1, 1, *picture.shape[2:]), np.float32) if shares is None else shares
        inputs = {"picture": np.ascontiguousarray(picture), "shares": np.ascontiguousarray(counted)}
        for name, array in inputs.items():
            binding.bind_cpu_input(name, array)
        for name in names:
            binding.bind_output(name)
        self._encode.run_with_iobinding(binding)
        found = dict(zip(names, binding.get_outputs(), strict=True))
        features = {layer: found.pop(layer) for layer in LAYERS if layer in found}
        numbers = {name: value.numpy() for name, value in found.items()}
        return features, moments_of(numbers, (picture.shape[2], picture.shape[3])) if numbers else {}
