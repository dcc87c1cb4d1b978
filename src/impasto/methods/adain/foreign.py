"""Weights of other AdaIN programs in impasto's format: the two files of naoto0804/pytorch-AdaIN, which many use.

Both are the state_dict of an `nn.Sequential`, so that a key is a position among its modules: "29.weight" belongs to
module 29. `LAYOUTS` lists every known layout; a file of any other is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from impasto.encoders.network import LAYERS, EncoderConfig
from impasto.encoders.teacher import fold_pointwise
from impasto.engine.architecture import DecoderConfig
from impasto.errors import OptionError, WeightsError
from impasto.weights import load_foreign_state, save, sha256_of

LISTED_KEYS = 8


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A kind of file.

    convolutions: what they are called here, in the order of the file. positions: where they stand in it; no other
        layout has the first four. channels: what goes into the first, and what comes out of each.
    unused: positions of convolutions that it may also hold and that impasto does not need.
    """

    name: str
    what: str
    network: Literal["encoder", "decoder"]
    convolutions: tuple[str, ...]
    positions: tuple[int, ...]
    channels: tuple[int, ...]
    unused: tuple[int, ...] = ()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{key: shape} of everything that is needed of the file."""
        shapes: dict[str, tuple[int, ...]] = {}
        each = zip(self.convolutions, self.positions, pairwise(self.channels), strict=True)
        for name, position, (inputs, outputs) in each:
            side = 1 if name == COLOURS else 3
            shapes |= {f"{position}.weight": (outputs, inputs, side, side), f"{position}.bias": (outputs,)}
        return shapes


# RGB in [0, 1] to BGR in [0, 255] without its mean. All other convolutions reflect the border before.
COLOURS = "colours"

LAYOUTS = (
    Layout(
        name="adain-encoder",
        what="vgg_normalised.pth of pytorch-AdaIN: VGG-19 with normalised filters, up to relu5_1 or further",
        network="encoder",
        convolutions=(COLOURS, *LAYERS),
        positions=(0, 2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42),
        channels=(3, 3, 64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512),
        unused=(45, 48, 51),
    ),
    Layout(
        name="adain-decoder",
        what="decoder.pth of pytorch-AdaIN, which paints from relu4_1 of that encoder",
        network="decoder",
        convolutions=tuple(DecoderConfig().convolutions),
        positions=(1, 5, 8, 11, 14, 18, 21, 25, 28),
        channels=(512, 256, 256, 256, 256, 128, 128, 64, 64, 3),
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
    config, tensors = _converted(state, layout)
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
        if all(f"{position}.weight" in state for position in layout.positions[:4]):
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


def _converted(state: Mapping[str, Tensor], layout: Layout) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of an `Encoder` or a `Decoder`."""
    parameters = {
        name: (state[f"{position}.weight"], state[f"{position}.bias"])
        for name, position in zip(layout.convolutions, layout.positions, strict=True)
    }
    config = DecoderConfig().to_json()
    if layout.network == "encoder":
        # Float64, because the first convolution takes means of a hundred away, and little may remain.
        both = (*parameters.pop(COLOURS), *parameters[LAYERS[0]])
        parameters[LAYERS[0]] = fold_pointwise(*(value.double() for value in both))
        config = EncoderConfig(padding="reflect", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)).to_json()
    tensors = {}
    for name, (weight, bias) in parameters.items():
        tensors[f"convolutions.{name}.weight"] = weight.float()
        tensors[f"convolutions.{name}.bias"] = bias.float()
    return config, tensors


def _listed(keys: list[str]) -> str:
    more = len(keys) - LISTED_KEYS
    return ", ".join(f"'{key}'" for key in keys[:LISTED_KEYS]) + (f" and {more} more" if more > 0 else "")
