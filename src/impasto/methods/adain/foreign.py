"""Weights of other AdaIN programs in impasto's format: the two files of naoto0804/pytorch-AdaIN, which many use.

Both are the state_dict of an `nn.Sequential`, so that a key is a position among its modules: "29.weight" belongs to
module 29. `LAYOUTS` lists every known layout; a file of any other is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from torch import Tensor

from impasto.encoders.network import EncoderConfig
from impasto.encoders.teacher import fold_pointwise
from impasto.engine.architecture import DecoderConfig
from impasto.errors import OptionError, WeightsError
from impasto.weights import load_foreign_state, save, sha256_of

LISTED_KEYS = 8


class Convolution(NamedTuple):
    """Where a convolution stands in the file, and what it is called here; `side` is that of its square kernel."""

    position: int
    name: str
    inputs: int
    outputs: int
    side: int = 3


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A kind of file.

    marks: positions of convolutions by which it is known; no other layout has all of them.
    unused: positions of convolutions that it may also hold and that impasto does not need.
    """

    name: str
    what: str
    network: Literal["encoder", "decoder"]
    convolutions: tuple[Convolution, ...]
    marks: tuple[int, ...]
    unused: tuple[int, ...] = ()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{key: shape} of everything that is needed of the file."""
        shapes: dict[str, tuple[int, ...]] = {}
        for position, _, inputs, outputs, side in self.convolutions:
            shapes |= {f"{position}.weight": (outputs, inputs, side, side), f"{position}.bias": (outputs,)}
        return shapes


LAYOUTS = (
    Layout(
        name="adain-encoder",
        what="vgg_normalised.pth of pytorch-AdaIN: VGG-19 with normalised filters, up to relu5_1 or further",
        network="encoder",
        convolutions=(
            # RGB in [0, 1] to BGR in [0, 255] without its mean. All others reflect the border before they convolve.
            Convolution(0, "colours", 3, 3, side=1),
            Convolution(2, "relu1_1", 3, 64),
            Convolution(5, "relu1_2", 64, 64),
            Convolution(9, "relu2_1", 64, 128),
            Convolution(12, "relu2_2", 128, 128),
            Convolution(16, "relu3_1", 128, 256),
            Convolution(19, "relu3_2", 256, 256),
            Convolution(22, "relu3_3", 256, 256),
            Convolution(25, "relu3_4", 256, 256),
            Convolution(29, "relu4_1", 256, 512),
            Convolution(32, "relu4_2", 512, 512),
            Convolution(35, "relu4_3", 512, 512),
            Convolution(38, "relu4_4", 512, 512),
            Convolution(42, "relu5_1", 512, 512),
        ),
        marks=(0, 2, 5, 9),
        unused=(45, 48, 51),
    ),
    Layout(
        name="adain-decoder",
        what="decoder.pth of pytorch-AdaIN, which paints from relu4_1 of that encoder",
        network="decoder",
        convolutions=(
            Convolution(1, "conv4_1", 512, 256),
            Convolution(5, "conv3_4", 256, 256),
            Convolution(8, "conv3_3", 256, 256),
            Convolution(11, "conv3_2", 256, 256),
            Convolution(14, "conv3_1", 256, 128),
            Convolution(18, "conv2_2", 128, 128),
            Convolution(21, "conv2_1", 128, 64),
            Convolution(25, "conv1_2", 64, 64),
            Convolution(28, "conv1_1", 64, 3),
        ),
        marks=(1, 5, 8, 11),
    ),
)

# What both files were made with; impasto's own networks use averages.
POOLING = "max"


def import_foreign(source: Path, output: Path, name: str | None = None) -> Layout:
    """Write the weights of `source` to `output`, a `.safetensors` for the encoder vgg19 or for option `decoder`.

    name: of the layout; None recognises it. The config of `output` says what was imported, and under "pooling" what the
    weights were made with: an encoder is also good for other pooling, while a decoder wants its encoder's.
    Returns the layout. Raises OptionError for an unknown name, WeightsError if a file cannot be read, understood or
    written.
    """
    wanted = None if name is None else layout_named(name)
    state = load_foreign_state(source)
    layout = wanted or recognise(state, source)
    check(state, layout, source)
    config, tensors = (_encoder if layout.network == "encoder" else _decoder)(state, layout)
    about = {"layout": layout.name, "file": source.name, "sha256": sha256_of(source)}
    save(output, tensors, {layout.network: config, "pooling": POOLING, "imported": about})
    return layout


def layout_named(name: str) -> Layout:
    """Raises OptionError if there is none of that name."""
    for layout in LAYOUTS:
        if layout.name == name:
            return layout
    raise OptionError(f"no layout '{name}'; there are {', '.join(layout.name for layout in LAYOUTS)}")


def recognise(state: Mapping[str, Tensor], path: Path) -> Layout:
    """The layout of a file by its keys. Raises WeightsError, with all known layouts, if it is none of them."""
    for layout in LAYOUTS:
        if all(f"{position}.weight" in state for position in layout.marks):
            return layout
    known = "; ".join(f"{layout.name} ({layout.what})" for layout in LAYOUTS)
    raise WeightsError(
        f"{path}: is of no layout that impasto knows: it holds {_listed(list(state))}. Known are {known}"
    )


def check(state: Mapping[str, Tensor], layout: Layout, path: Path) -> None:
    """Raises WeightsError, with the keys, if something is missing, has another shape or is not of the layout."""
    shapes = layout.shapes()
    missing = [key for key in shapes if key not in state]
    if missing:
        raise WeightsError(f"{path}: is no whole {layout.name} ({layout.what}): {_listed(missing)} missing")
    for key, expected in shapes.items():
        shape = tuple(state[key].shape)
        if shape != expected:
            raise WeightsError(f"{path}: is no {layout.name}: '{key}' has shape {shape}, not {expected}")
    allowed = shapes.keys() | {f"{position}.{kind}" for position in layout.unused for kind in ("weight", "bias")}
    unknown = [key for key in state if key not in allowed]
    if unknown:
        raise WeightsError(f"{path}: is no {layout.name}, which has no {_listed(unknown)}")


def _encoder(state: Mapping[str, Tensor], layout: Layout) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of an `Encoder`."""
    # Float64, because the first convolution takes means of a hundred away, and little may remain.
    parameters = {
        name: (state[f"{position}.weight"].double(), state[f"{position}.bias"].double())
        for position, name, *_ in layout.convolutions
    }
    parameters["relu1_1"] = fold_pointwise(*parameters.pop("colours"), *parameters["relu1_1"])
    config = EncoderConfig(padding="reflect", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return config.to_json(), _named(parameters)


def _decoder(state: Mapping[str, Tensor], layout: Layout) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of a `Decoder`."""
    parameters = {
        name: (state[f"{position}.weight"], state[f"{position}.bias"]) for position, name, *_ in layout.convolutions
    }
    return DecoderConfig().to_json(), _named(parameters)


def _named(parameters: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    tensors = {}
    for name, (weight, bias) in parameters.items():
        tensors[f"convolutions.{name}.weight"] = weight.float()
        tensors[f"convolutions.{name}.bias"] = bias.float()
    return tensors


def _listed(keys: list[str]) -> str:
    more = len(keys) - LISTED_KEYS
    return ", ".join(f"'{key}'" for key in keys[:LISTED_KEYS]) + (f" and {more} more" if more > 0 else "")
