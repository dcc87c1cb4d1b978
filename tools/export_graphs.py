"""Write the networks of the default method as ONNX graphs, from their trained weights: `make graphs`.

`encode.onnx`: a picture -> the features that the decoder paints from, and their means and variances, of all positions
alike and by shares. `paint.onnx`: features, scales and shifts of them and of the decoder's responses, and grounds -> a
picture. `strokes.onnx`: a painted picture -> the same with its strokes drawn out. All sides are dynamic, weights are
stored in half precision.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open

from impasto.engine.architecture import ENCODER_DEPTHS, LAYERS, DecoderConfig, level
from impasto.engine.strokes import SCHARR, change, drawn, gaussian

ASSETS = Path(__file__).parent.parent / "src" / "impasto" / "assets"

# Resize, Pad and ReduceMean as every runtime of the last years knows them, and the format's version that goes with it.
OPSET, FORMAT = 17, 8


class Graph:
    """A graph in the making: every operation answers with the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def __call__(self, kind: str, *inputs: Any, name: str = "", **attributes: Any) -> str:
        """inputs: names, or arrays that are constant."""
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        names = [given if isinstance(given, str) else self._constant(np.asarray(given)) for given in inputs]
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def weight(self, values: np.ndarray) -> str:
        """A constant that is stored in half precision."""
        return self("Cast", values.astype(np.float16), to=TensorProto.FLOAT)

    def input(self, name: str, *shape: int | str) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, name: str, *shape: int | str) -> None:
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def save(self, path: Path, about: Mapping[str, str]) -> None:
        graph = helper.make_graph(self.nodes, path.stem, self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT)
        helper.set_model_props(model, dict(about))
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString(deterministic=True))

    def _constant(self, values: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name


def reflect(graph: Graph, x: str) -> str:
    """A pixel more on each side, mirrored about the border pixels."""
    return graph("Pad", x, np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="reflect")


def halve(graph: Graph, x: str) -> str:
    """Average pooling whose windows at the end of an odd side are partial."""
    return graph("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)


def convolve(graph: Graph, x: str, weights: Mapping[str, np.ndarray], name: str) -> str:
    weight, bias = (graph.weight(weights[f"convolutions.{name}.{kind}"]) for kind in ("weight", "bias"))
    return graph("Conv", reflect(graph, x), weight, bias)


def encoder(weights: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> Graph:
    """picture (N, 3, H, W) in [0, 1], shares (N or 1, 1, H, W) -> features by layer; of these `NAME.mean` and
    `NAME.variance` of all positions, and `NAME.total`, `NAME.shared_mean`, `NAME.shared_variance` by shares."""
    if config["padding"] != "reflect":
        raise SystemExit("an encoder that pads with zeros has no graph")
    graph = Graph()
    mean, std = (np.array(config[kind], np.float32).reshape(1, 3, 1, 1) for kind in ("mean", "std"))
    x = graph("Div", graph("Sub", graph.input("picture", "N", 3, "H", "W"), mean), std)
    shares = graph.input("shares", "N_shares", 1, "H", "W")
    for block, depth in enumerate(ENCODER_DEPTHS, start=1):
        if block > 1:
            x, shares = halve(graph, x), halve(graph, shares)
        for number in range(1, depth + 1):
            layer = f"relu{block}_{number}"
            x = convolve(graph, x, weights, layer)
            x = graph("Relu", x, name=layer if layer in LAYERS else "")
            if layer in LAYERS:
                graph.output(layer, "N", config["widths"][block - 1], f"H{block}", f"W{block}")
                moments(graph, layer, shares, config["widths"][block - 1])
    return graph


def moments(graph: Graph, layer: str, shares: str, channels: int) -> None:
    mean = graph("ReduceMean", layer, axes=[2, 3], name=f"{layer}.mean")
    squares = graph("Pow", graph("Sub", layer, mean), np.float32(2))
    graph("ReduceMean", squares, axes=[2, 3], name=f"{layer}.variance")
    total = graph("ReduceSum", shares, np.array([2, 3]), name=f"{layer}.total")
    # Where nothing counts, 0 / 1 is as good as any other number.
    divisor = graph("Max", total, np.float32(1e-6))
    places = np.array([2, 3])
    shared = graph("Div", graph("ReduceSum", graph("Mul", layer, shares), places), divisor, name=f"{layer}.shared_mean")
    squares = graph("Mul", graph("Pow", graph("Sub", layer, shared), np.float32(2)), shares)
    graph("Div", graph("ReduceSum", squares, places), divisor, name=f"{layer}.shared_variance")
    graph.output(f"{layer}.total", "N_shares", 1, 1, 1)
    for kind in ("mean", "variance", "shared_mean", "shared_variance"):
        graph.output(f"{layer}.{kind}", "N", channels, 1, 1)


def decoder(weights: Mapping[str, np.ndarray], config: DecoderConfig) -> Graph:
    """Features and `NAME.scale`, `NAME.shift` by layer and by convolution, each (N, C, 1, 1) or a map, and
    `NAME.ground` -> `painted`, (N, 3, H, W), which nothing keeps within [0, 1]."""
    if not config.joined or not config.hidden:
        raise SystemExit("a decoder that paints from relu4_1 alone, or without conditioning, has no graph")
    graph = Graph()
    given = {}
    for block, layer in enumerate(LAYERS, start=1):
        channels = config.widths[block - 1]
        features = graph.input(layer, "N", channels, f"H{block}", f"W{block}")
        given[layer] = affine(graph, features, layer, channels)
    x = given["relu4_1"]
    for name, (_, channels) in config.convolutions.items():
        block = level(name) + 1
        if block < 4 and name == f"conv{block}_{config.depths[block - 1]}":
            x = graph("Concat", doubled(graph, x, given[f"relu{block}_1"], config), given[f"relu{block}_1"], axis=1)
        x = convolve(graph, x, weights, name)
        if name in config.modulated:
            x = affine(graph, x, name, channels)
        if name in config.grounded:
            ground = graph.input(f"{name}.ground", "N_ground", 1, f"H{block}", f"W{block}")
            strength = graph.weight(weights[f"grounds.{name}"].reshape(1, -1, 1, 1))
            x = graph("Add", x, graph("Mul", ground, graph("Mul", strength, f"{name}.scale")))
        if name != "conv1_1":
            x = graph("Relu", x)
    graph("Identity", x, name="painted")
    graph.output("painted", "N", 3, "H1", "W1")
    return graph


def affine(graph: Graph, x: str, name: str, channels: int) -> str:
    """x scaled and shifted by inputs."""
    scale, shift = (
        graph.input(f"{name}.{kind}", "N_style", channels, f"{name}_h", f"{name}_w") for kind in ("scale", "shift")
    )
    return graph("Add", graph("Mul", x, scale), shift)


def doubled(graph: Graph, x: str, beside: str, config: DecoderConfig) -> str:
    """Twice as high and wide, or a line less, as what lies beside it."""
    scales = np.array([1, 1, 2, 2], np.float32)
    if config.upsampling == "bilinear":
        x = graph("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    else:
        x = graph("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric",
                  nearest_mode="floor")  # fmt: skip
    ends = graph("Slice", graph("Shape", beside), np.array([2]), np.array([4]))
    return graph("Slice", x, np.array([0, 0]), ends, np.array([2, 3]))


def strokes() -> Graph:
    """`painted` and what it was painted `over`, (N, 3, H, W) each, how far strokes `reach`, in pixels, and which
    `share` of what is done to plain places is done, (N or 1, 1, H or 1, W or 1) each, and the `contrast`, (1, 1, 1, 1)
    -> `drawn`, (N, 3, H, W), as `engine.strokes` says, and `change`, (N, 1, 1, 1), of what is finest."""
    graph = Graph()
    painted, over = (Planes(graph, graph.input(name, "N", 3, "H", "W")) for name in ("painted", "over"))
    reach, share = (
        Planes(graph, graph.input(name, "N_share", 1, f"H_{name}", f"W_{name}")) for name in ("reach", "share")
    )
    contrast = Planes(graph, graph.input("contrast", 1, 1, 1, 1))
    operations = PlaneOperations(graph, painted)
    redrawn = drawn(operations, painted, over, reach, share, contrast)
    graph("Identity", redrawn.name, name="drawn")
    graph.output("drawn", "N", 3, "H", "W")
    graph("Identity", change(operations, painted, redrawn).name, name="change")
    graph.output("change", "N", 1, 1, 1)
    return graph


@dataclass(frozen=True)
class Planes:
    """See `impasto.engine.strokes.Planes`."""

    graph: Graph
    name: str

    def __add__(self, other: "Planes | float") -> "Planes":
        return self.to("Add", other)

    def __sub__(self, other: "Planes | float") -> "Planes":
        return self.to("Sub", other)

    def __mul__(self, other: "Planes | float") -> "Planes":
        return self.to("Mul", other)

    def __truediv__(self, other: "Planes | float") -> "Planes":
        return self.to("Div", other)

    def __radd__(self, other: float) -> "Planes":
        return Planes(self.graph, self.graph("Add", np.float32(other), self.name))

    def __rsub__(self, other: float) -> "Planes":
        return Planes(self.graph, self.graph("Sub", np.float32(other), self.name))

    def sqrt(self) -> "Planes":
        return self.to("Sqrt")

    def mean(self, dimensions: tuple[int, ...], keepdim: bool) -> "Planes":
        return self.to("ReduceMean", axes=list(dimensions))

    def to(self, kind: str, *others: Any, **attributes: Any) -> "Planes":
        """The result of an operation. others: planes, numbers or arrays."""
        inputs = [one.name if isinstance(one, Planes) else np.float32(one) if isinstance(one, float | int) else one
                  for one in others]  # fmt: skip
        return Planes(self.graph, self.graph(kind, self.name, *inputs, **attributes))

    @property
    def size(self) -> str:
        """(2,): height and width."""
        return self.graph("Slice", self.graph("Shape", self.name), np.array([2]), np.array([4]))


class PlaneOperations:
    """See `impasto.engine.strokes.Operations`."""

    def __init__(self, graph: Graph, full: Planes) -> None:
        self.graph, self.size = graph, full.size
        turned = graph("Gather", graph("Cast", self.size, to=TensorProto.FLOAT), np.array([1, 0]))
        # Of one pixel, x before y, in the coordinates of `GridSample`.
        self.scale = graph("Div", np.float32(2), graph("Sub", turned, np.float32(1)))
        self.positions = graph("Sub", graph("Mul", self._places(), self.scale), np.float32(1))

    def channels(self, x: Planes) -> list[Planes]:
        return [x.to("Slice", np.array([k]), np.array([k + 1]), np.array([1])) for k in range(3)]

    def joined(self, planes: list[Planes]) -> Planes:
        return planes[0].to("Concat", *planes[1:], axis=1)

    def lower(self, x: Planes, *others: Planes | float) -> Planes:
        return x.to("Min", *others)

    def higher(self, x: Planes, *others: Planes | float) -> Planes:
        return x.to("Max", *others)

    def signed(self, x: Planes, sign: Planes) -> Planes:
        return x * sign.to("Less", 0.0).to("Where", -1.0, 1.0)

    def slopes(self, x: Planes) -> tuple[Planes, Planes]:
        around = Planes(self.graph, reflect(self.graph, x.name))
        return around.to("Conv", SCHARR[None, None]), around.to("Conv", SCHARR.T[None, None])

    def halved(self, x: Planes) -> Planes:
        """As `halve`, in the layout of pictures, which pooling would change."""
        ends = self.graph("Concat", np.array([0] * 6), self.graph("Mod", x.size, np.array([2, 2])), axis=0)
        return x.to("Pad", ends, mode="edge").to("Conv", np.full((1, 1, 2, 2), 0.25, np.float32), strides=[2, 2])

    def enlarged(self, x: Planes, like: Planes, times: int = 2) -> Planes:
        rising = (np.arange(times, dtype=np.float32) + np.float32(0.5)) / times
        line = np.concatenate([rising, rising[::-1]])
        padded = x.to("Pad", np.array([0, 0, 1, 1] * 2), mode="edge")
        # The same as Resize, which takes runtimes six times as long.
        pads = [times * 3 // 2] * 4
        larger = padded.to("ConvTranspose", np.outer(line, line)[None, None], strides=[times, times], pads=pads)
        return larger.to("Slice", np.array([0, 0]), like.size, np.array([2, 3]))

    def blurred(self, x: Planes, deviation: float) -> Planes:
        kernel = gaussian(deviation)
        radius = len(kernel) // 2
        for shape, pads in (((1, -1), [0, radius]), ((-1, 1), [radius, 0])):
            padded = x.to("Pad", np.array([0, 0, *pads] * 2), mode="edge")
            x = padded.to("Conv", kernel.reshape(1, 1, *shape))
        return x

    def direction(self, right: Planes, down: Planes) -> Planes:
        """(N, H, W, 2), in the coordinates of `GridSample`."""
        x_axis, y_axis = (self.graph("Mul", self.scale, np.array(axis, np.float32)) for axis in ((1, 0), (0, 1)))
        # Runtimes take longer to put one beside the other.
        return self._last(right).to("Mul", x_axis) + self._last(down).to("Mul", y_axis)

    def step(self, direction: Planes, length: Planes) -> Planes:
        return direction * self._last(length)

    def sampled(self, x: Planes, step: Planes, times: float) -> Planes:
        there = (step * times).to("Add", self.positions)
        return x.to("GridSample", there, mode="bilinear", padding_mode="border", align_corners=1)

    def _last(self, x: Planes) -> Planes:
        """(N, 1, H, W) -> (N, H, W, 1)."""
        return x.to("Reshape", self.graph("Concat", np.array([-1]), self.size, np.array([1]), axis=0))

    def _places(self) -> str:
        """(1, H, W, 2): the column and the row of every pixel."""
        rows, columns = (
            self.graph("Range", np.float32(0), self.graph("Squeeze", side, np.array([0])), np.float32(1))
            for side in (
                self.graph("Gather", self.graph("Cast", self.size, to=TensorProto.FLOAT), np.array([k])) for k in (0, 1)
            )
        )
        rows = self.graph("Reshape", rows, np.array([1, -1, 1, 1]))
        columns = self.graph("Reshape", columns, np.array([1, 1, -1, 1]))
        nothing = self.graph("Mul", self.graph("Add", rows, columns), np.float32(0))
        return self.graph("Concat", self.graph("Add", nothing, columns), self.graph("Add", nothing, rows), axis=3)


def loaded(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["impasto"])  # noqa: SIM118


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, default=ASSETS / "lite.safetensors")
    parser.add_argument("--decoder", type=Path, default=ASSETS / "adain.safetensors")
    parser.add_argument("--output", type=Path, default=ASSETS, help="folder")
    chosen = parser.parse_args()
    weights, about = loaded(chosen.encoder)
    graphs = {"encode": (encoder(weights, about["encoder"]), chosen.encoder)}
    weights, about = loaded(chosen.decoder)
    graphs["paint"] = decoder(weights, DecoderConfig.from_json(about["decoder"])), chosen.decoder
    for name, (graph, source) in graphs.items():
        path = chosen.output / f"{name}.onnx"
        graph.save(path, {"weights": hashlib.sha256(source.read_bytes()).hexdigest()})
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, opset {OPSET}, of {source.name}")
    strokes().save(chosen.output / "strokes.onnx", {})


if __name__ == "__main__":
    main()
