"""Write the networks of the default method as ONNX graphs, from their trained weights: `make graphs`.

`encode.onnx`: a picture -> the features that the decoder paints from, and their means and variances, of all positions
alike and by shares. `paint.onnx`: features, scales and shifts of them and of the decoder's responses, and grounds -> a
picture. `strokes.onnx`: a painted picture -> the same with its strokes drawn out. All sides are dynamic, weights are
stored in half precision.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open

from impasto.colour import LUMA
from impasto.engine.architecture import ENCODER_DEPTHS, LAYERS, DecoderConfig, level
from impasto.engine.strokes import (
    BUSY,
    CALM_DEVIATION,
    CLOSE_DEVIATION,
    CONTOUR_DEVIATION,
    EDGE,
    FAINT,
    FALL,
    FINEST_DEVIATION,
    FLOW_DEVIATION,
    LONGER,
    NEAR,
    PLAIN,
    PLAIN_CLOSE,
    SLIGHT,
    SOFT,
    SWEEP,
    UNDECIDED,
    UNDIRECTED,
    WIDE_DEVIATION,
    gaussian,
)  # fmt: skip

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
    """`painted` and what it was painted `over`, (N, 3, H, W) each, how far strokes `reach`, in pixels, and how `calm`
    plain places are to be, (N or 1, 1, H or 1, W or 1) each, and the `contrast`, (1, 1, 1, 1) -> `drawn`, (N, 3, H,
    W), as `engine.strokes` says, and `change`, (N, 1, 1, 1), the mean squared change of its finest over the mean square
    of that."""
    graph = Graph()
    painted, over = (graph.input(name, "N", 3, "H", "W") for name in ("painted", "over"))
    reach, calm = (graph.input(name, "N_share", 1, f"H_{name}", f"W_{name}") for name in ("reach", "calm"))
    contrast = graph.input("contrast", 1, 1, 1, 1)
    size = of_plane(graph, painted)
    halved = [halve_plane(graph, channel, size) for channel in channels(graph, over)]
    light = graph("Div", brightness(graph, halved), contrast)
    far, close = ([blurred(graph, y, deviation) for y in halved] for deviation in (CALM_DEVIATION, CLOSE_DEVIATION))
    plain = plainness(graph, light, CALM_DEVIATION, PLAIN)
    plain_close = plainness(graph, light, CLOSE_DEVIATION, PLAIN_CLOSE)
    calmed = graph("Add", plain, graph("Mul", graph("Sub", np.float32(1), plain), plain_close))
    mixed = [graph("Add", y, graph("Mul", plain, graph("Sub", x, y))) for x, y in zip(far, close, strict=True)]
    below = graph("Concat", *(enlarged(graph, channel, size) for channel in mixed), axis=1)
    share = graph("Mul", calm, enlarged(graph, calmed, size))
    x = graph("Add", painted, graph("Mul", share, graph("Sub", below, painted)))
    half_size = of_plane(graph, light)
    flow, certainty = wide_flow(graph, light, half_size)
    swept = graph("Mul", plain, graph("Div", certainty, graph("Add", certainty, np.float32(UNDECIDED))))
    edge, clear, stretch = edges(graph, light)
    along, across = directions(graph, contours(graph, x, [(edge, clear), (flow, swept)], size, half_size), size)
    short = graph("Mul", graph("Sub", np.float32(1), swept), stretch)
    swept, short = (enlarged(graph, y, size) for y in (swept, short))
    softer = graph("Sub", np.float32(1), graph("Mul", swept, np.float32(1 - SOFT)))
    faint = graph("Mul", contrast, graph("Mul", softer, np.float32(FAINT)))
    faint = graph("Mul", faint, faint)
    to_the_side = steps(graph, across, reach, graph("Add", swept, short), size)
    grid = positions(graph, size)
    for far_share, near_share in zip(SWEEP, NEAR, strict=True):
        far, near = (graph("Mul", y, np.float32(share)) for y, share in ((swept, far_share), (short, near_share)))
        x = smoothed(graph, x, grid, steps(graph, along, reach, graph("Add", far, near), size))
        if near_share:
            x = sharpened(graph, x, grid, to_the_side, faint)
    graph("Identity", x, name="drawn")
    graph.output("drawn", "N", 3, "H", "W")
    before, after = (finest(graph, y) for y in (painted, x))
    changed, all_of_it = (
        graph("ReduceMean", graph("Mul", y, y), axes=[1, 2, 3]) for y in (graph("Sub", after, before), before)
    )
    graph("Div", changed, graph("Add", all_of_it, np.float32(1e-12)), name="change")
    graph.output("change", "N", 1, 1, 1)
    return graph


def smoothed(graph: Graph, x: str, grid: str, step: str) -> str:
    """Each pixel a weighted mean of its neighbours, one step and two away."""
    first, second = FALL
    beside = [sampled(graph, x, grid, step, times) for times in (1, -1, 2, -2)]
    near, far = graph("Add", beside[0], beside[1]), graph("Add", beside[2], beside[3])
    mixed = graph("Add", x, graph("Mul", near, np.float32(first)))
    mixed = graph("Add", mixed, graph("Mul", far, np.float32(second)))
    return graph("Mul", mixed, np.float32(1 / (1 + 2 * first + 2 * second)))


def sharpened(graph: Graph, x: str, grid: str, step: str, faint: str) -> str:
    """Each pixel further from the mean of its neighbours, a step away, but within them. faint: the square of the
    difference at which it is by half."""
    left, right = (sampled(graph, x, grid, step, times) for times in (1, -1))
    lowest, highest = graph("Min", x, left, right), graph("Max", x, left, right)
    middle = graph("Mul", graph("Add", left, right), np.float32(0.5))
    difference = graph("ReduceMean", graph("Sub", highest, lowest), axes=[1])
    difference = graph("Mul", difference, difference)
    share = graph("Div", difference, graph("Add", difference, faint))
    x = graph("Add", x, graph("Mul", share, graph("Sub", x, middle)))
    return graph("Min", graph("Max", x, lowest), highest)


def finest(graph: Graph, x: str) -> str:
    """Brightness without that of the surroundings."""
    light = brightness(graph, channels(graph, x))
    return graph("Sub", light, blurred(graph, light, FINEST_DEVIATION))


def plainness(graph: Graph, light: str, deviation: float, limit: float) -> str:
    """How plain each place of the halved picture is, from 0 to 1. light: its brightness."""
    mean, square = (blurred(graph, y, deviation) for y in (light, graph("Mul", light, light)))
    variance = graph("Max", graph("Sub", square, graph("Mul", mean, mean)), np.float32(0))
    share = graph("Min", graph("Mul", graph("Sqrt", variance), np.float32(1 / limit)), np.float32(1))
    rising = graph("Mul", graph("Mul", share, share), graph("Sub", np.float32(3), graph("Add", share, share)))
    return graph("Sub", np.float32(1), rising)


def edges(graph: Graph, light: str) -> tuple[list[str], str, str]:
    """Of the halved picture, whose brightness is light: the doubled angle at its edges, of a length of 1; how clear an
    edge of one direction there is, from 0 to 1; and how much longer strokes are there than their reach."""
    *doubled_angle, energy = (blurred(graph, y, CONTOUR_DEVIATION) for y in tensor(graph, light))
    edge = length(graph, *doubled_angle)
    least_change = graph("Max", graph("Sub", energy, edge), np.float32(0))
    clear = graph("Div", edge, graph("Add", edge, np.float32(EDGE**2)))
    longer = graph("Add", graph("Mul", clear, np.float32(LONGER)), np.float32(1))
    shorter = graph("Add", graph("Mul", least_change, np.float32(0.5 / BUSY**2)), np.float32(1))
    whole = graph("Add", edge, np.float32(UNDIRECTED))
    return [graph("Div", y, whole) for y in doubled_angle], clear, graph("Div", longer, shorter)


def wide_flow(graph: Graph, light: str, size: str) -> tuple[list[str], str]:
    """The doubled angle of wide surroundings, and how far these agree, from 0 to 1. light: the halved picture's
    brightness, of this size."""
    quarter = halve_plane(graph, light, size)
    *doubled_angle, energy = tensor(graph, halve_plane(graph, quarter, of_plane(graph, quarter)))
    slope = graph("Sqrt", graph("Add", energy, np.float32(SLIGHT**2)))
    around = blurred(graph, slope, FLOW_DEVIATION)
    flow = [
        enlarged(graph, graph("Div", blurred(graph, graph("Div", y, slope), FLOW_DEVIATION), around), size, 4)
        for y in doubled_angle
    ]
    certainty = length(graph, *flow)
    whole = graph("Add", certainty, np.float32(UNDIRECTED))
    return [graph("Div", y, whole) for y in flow], certainty


def tensor(graph: Graph, light: str) -> tuple[str, str, str]:
    """Of structure: its doubled angle's cosine and sine, and the energy that these are multiplied by."""
    scharr = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]], np.float32) / 32
    right, down = (graph("Conv", reflect(graph, light), kernel[None, None]) for kernel in (scharr, scharr.T))
    across, upright = (graph("Mul", slope, slope) for slope in (right, down))
    twice = graph("Mul", graph("Mul", right, down), np.float32(2))
    return graph("Sub", across, upright), twice, graph("Add", across, upright)


def length(graph: Graph, x: str, y: str) -> str:
    return graph("Sqrt", graph("Add", graph("Mul", x, x), graph("Mul", y, y)))


def directions(graph: Graph, doubled_angle: Sequence[str], size: str) -> tuple[str, str]:
    """(N, H, W, 2) each: from every pixel a pixel along the contour that it is on, and across, in `GridSample`'s
    coordinates; less where there is none."""
    agreement = length(graph, *doubled_angle)
    share = graph("Div", agreement, graph("Add", agreement, np.float32(UNDECIDED)))
    cosine, sine = doubled_angle
    cosine = graph("Div", cosine, graph("Add", agreement, np.float32(1e-12)))
    half_cosine, half_sine = (
        graph("Sqrt", graph("Mul", graph("Max", graph(kind, np.float32(1), cosine), np.float32(0)), np.float32(0.5)))
        for kind in ("Add", "Sub")
    )
    is_negative = graph("Less", sine, np.float32(0))
    half_sine = graph("Mul", half_sine, graph("Where", is_negative, np.float32(-1), np.float32(1)))
    half_cosine, half_sine = (in_last(graph, graph("Mul", y, share), size) for y in (half_cosine, half_sine))
    scale = graph("Div", np.float32(2), last_position(graph, size))
    x_axis, y_axis = (graph("Mul", scale, np.array(axis, np.float32)) for axis in ((1, 0), (0, 1)))
    return (
        graph("Sub", graph("Mul", half_cosine, y_axis), graph("Mul", half_sine, x_axis)),
        graph("Add", graph("Mul", half_cosine, x_axis), graph("Mul", half_sine, y_axis)),
    )


def steps(graph: Graph, direction: str, reach: str, times: str, size: str) -> str:
    """(N, H, W, 2): so many times as far as the reach. times: (N, 1, H, W)."""
    return graph("Mul", direction, in_last(graph, graph("Mul", reach, times), size))


def contours(graph: Graph, x: str, others: Sequence[tuple[Sequence[str], str]], size: str, half_size: str) -> list[str]:
    """Cosine and sine of the doubled angle at every pixel, of a length of 1 where it is certain. others: what takes the
    place of the painting's own, and in which shares."""
    raw = tensor(graph, halve_plane(graph, brightness(graph, channels(graph, x)), size))
    *near, energy = (blurred(graph, y, CONTOUR_DEVIATION) for y in raw)
    *wide, wide_energy = (blurred(graph, halve_plane(graph, y, half_size), WIDE_DEVIATION) for y in raw)
    anisotropy = length(graph, *near)
    agreed = graph("Div", anisotropy, graph("Add", energy, np.float32(UNDIRECTED)))
    agreed = graph("Mul", agreed, agreed)
    of_near = graph("Div", agreed, graph("Add", anisotropy, np.float32(UNDIRECTED)))
    of_wide = graph("Sub", np.float32(1), agreed)
    wide_energy = graph("Add", wide_energy, np.float32(UNDIRECTED))
    mixed = []
    for part, (close, far) in enumerate(zip(near, wide, strict=True)):
        around = enlarged(graph, graph("Div", far, wide_energy), half_size)
        angle = graph("Add", graph("Mul", close, of_near), graph("Mul", around, of_wide))
        for other, share in others:
            angle = graph("Add", angle, graph("Mul", share, graph("Sub", other[part], angle)))
        mixed.append(enlarged(graph, angle, size))
    return mixed


def of_plane(graph: Graph, x: str) -> str:
    """(2,): its height and width."""
    return graph("Slice", graph("Shape", x), np.array([2]), np.array([4]))


def in_last(graph: Graph, x: str, size: str) -> str:
    """(N, 1, H, W) -> (N, H, W, 1)."""
    return graph("Reshape", x, graph("Concat", np.array([-1]), size, np.array([1]), axis=0))


def last_position(graph: Graph, size: str) -> str:
    """(2,): of a column and of a row, counted from 0."""
    turned = graph("Gather", graph("Cast", size, to=TensorProto.FLOAT), np.array([1, 0]))
    return graph("Sub", turned, np.float32(1))


def positions(graph: Graph, size: str) -> str:
    """(1, H, W, 2): of every pixel, x before y, from -1 to 1."""
    rows, columns = (
        graph(
            "Range",
            np.float32(0),
            graph(
                "Squeeze", graph("Gather", graph("Cast", size, to=TensorProto.FLOAT), np.array([side])), np.array([0])
            ),
            np.float32(1),
        )
        for side in (0, 1)
    )
    rows = graph("Reshape", rows, np.array([1, -1, 1, 1]))
    columns = graph("Reshape", columns, np.array([1, 1, -1, 1]))
    nothing = graph("Mul", graph("Add", rows, columns), np.float32(0))
    places = graph("Concat", graph("Add", nothing, columns), graph("Add", nothing, rows), axis=3)
    return graph("Sub", graph("Mul", places, graph("Div", np.float32(2), last_position(graph, size))), np.float32(1))


def sampled(graph: Graph, x: str, grid: str, step: str, times: float) -> str:
    """x, so many steps away, between its pixels."""
    there = graph("Add", grid, graph("Mul", step, np.float32(times)))
    return graph("GridSample", x, there, mode="bilinear", padding_mode="border", align_corners=1)


def channels(graph: Graph, x: str) -> list[str]:
    return [graph("Slice", x, np.array([k]), np.array([k + 1]), np.array([1])) for k in range(3)]


def brightness(graph: Graph, channels: Sequence[str]) -> str:
    red, green, blue = (graph("Mul", one, np.float32(share)) for one, share in zip(channels, LUMA, strict=True))
    return graph("Add", graph("Add", red, green), blue)


def halve_plane(graph: Graph, x: str, size: str) -> str:
    """As `halve`, (N, 1, H, W), in the layout of pictures, which pooling would change."""
    ends = graph("Concat", np.array([0] * 6), graph("Mod", size, np.array([2, 2])), axis=0)
    return graph("Conv", graph("Pad", x, ends, mode="edge"), np.full((1, 1, 2, 2), 0.25, np.float32), strides=[2, 2])


def blurred(graph: Graph, x: str, deviation: float) -> str:
    """By a Gaussian; border pixels go on beyond the border."""
    kernel = gaussian(deviation)
    radius = len(kernel) // 2
    for shape, pads in (((1, -1), [0, radius]), ((-1, 1), [radius, 0])):
        x = graph("Pad", x, np.array([0, 0, *pads] * 2), mode="edge")
        x = graph("Conv", x, kernel.reshape(1, 1, *shape))
    return x


def enlarged(graph: Graph, x: str, size: str, times: int = 2) -> str:
    """So many times as high and wide, or some lines less; between the pixels linearly."""
    rising = (np.arange(times, dtype=np.float32) + np.float32(0.5)) / times
    line = np.concatenate([rising, rising[::-1]])
    x = graph("Pad", x, np.array([0, 0, 1, 1] * 2), mode="edge")
    # The same as Resize, which takes runtimes six times as long.
    pads = [times * 3 // 2] * 4
    x = graph("ConvTranspose", x, np.outer(line, line)[None, None], strides=[times, times], pads=pads)
    return graph("Slice", x, np.array([0, 0]), size, np.array([2, 3]))


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
