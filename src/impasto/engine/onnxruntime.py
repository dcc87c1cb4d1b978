"""The graphs, run by ONNX Runtime; in float32."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from impasto.engine.architecture import LAYERS
from impasto.engine.backend import Wanted, embedded, graph, inputs_of_paint, moments_of, outputs_of_encode
from impasto.engine.statistics import Array, Moments, Statistics
from impasto.errors import OptionError


class ONNXRuntime:
    """See `Backend`."""

    def __init__(self, precision: str = "auto") -> None:
        if precision == "bf16":
            raise OptionError("precision is 'bf16', but ONNX Runtime computes in fp32 on processors")
        self.config, self.conditioning = embedded()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        self._encode, self._paint = (
            onnxruntime.InferenceSession(graph(name), options, providers=["CPUExecutionProvider"])
            for name in ("encode", "paint")
        )

    def encode(
        self, picture: Array, shares: Array | None = None, wanted: Wanted = "both"
    ) -> tuple[Any, dict[str, Moments]]:
        binding = self._encode.io_binding()
        binding.bind_cpu_input("picture", np.ascontiguousarray(picture))
        counted = np.ones((1, 1, *picture.shape[2:]), np.float32) if shares is None else shares
        binding.bind_cpu_input("shares", np.ascontiguousarray(counted))
        names = outputs_of_encode(shares is not None, wanted)
        for name in names:
            binding.bind_output(name)
        self._encode.run_with_iobinding(binding)
        found = dict(zip(names, binding.get_outputs(), strict=True))
        features = {layer: found.pop(layer) for layer in LAYERS if layer in found}
        numbers = {name: value.numpy() for name, value in found.items()}
        return features, moments_of(numbers, (picture.shape[2], picture.shape[3]))

    def paint(
        self,
        features: Any,
        exchange: Mapping[str, Statistics],
        modulation: Mapping[str, Statistics],
        grounds: Mapping[str, Array],
        size: tuple[int, int],
    ) -> Array:
        binding = self._paint.io_binding()
        for layer, value in features.items():
            binding.bind_ortvalue_input(layer, value)
        for name, array in inputs_of_paint(exchange, modulation, grounds).items():
            binding.bind_cpu_input(name, np.ascontiguousarray(array))
        binding.bind_output("painted")
        self._paint.run_with_iobinding(binding)
        painted: Array = binding.get_outputs()[0].numpy()
        return painted
