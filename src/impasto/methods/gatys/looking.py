"""What the attention style loss compares of a content and a style, to show where places of one look in the other."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from impasto.device import check_memory, memory_guard
from impasto.encoders.network import Encoder, block_of, halvings_of
from impasto.losses.attention_style import Compared
from impasto.masks import visible
from impasto.methods.gatys.objective import fit_style
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.methods.gatys.terms import Seen, at_layers, compared_layers


def compare(
    content: Tensor, style: Tensor, options: GatysOptions, method: Gatys
) -> tuple[Tensor, Tensor, float, list[Compared]]:
    """(content and style as the encoder sees them, both (1, 3, h, w); temperature; what is compared at each layer).

    content: (1, 3, H, W) in [0, 1], at the size that it is looked at; style: of any size; with a fourth channel,
    opacity, what is transparent counts for nothing. Raises OptionError, OutOfMemoryError.
    """
    height, width = content.shape[-2:]
    encoder, layers = method.encoder(options), options.layers("attention_layers")
    needed = {layer: compared_layers(layer, options.attention_features) for layer in layers}
    per_pixel = _bytes_per_pixel(encoder, needed)
    check_memory(method.device, height, width, per_pixel)
    pixels, shown = visible(content)
    painting, opacity = visible(fit_style(style, height, width, options))
    per_pixel *= 1 + painting[0, 0].numel() / (height * width)
    with memory_guard(method.device, height, width, per_pixel), torch.inference_mode():
        every = {name for names in needed.values() for name in names}
        of_content, of_style = (
            Seen(
                encoder(colours.to(method.device), every),
                at_layers(None if share is None else share.to(method.device), every),
            )
            for colours, share in ((pixels, shown), (painting, opacity))
        )
        compared = [
            Compared(
                layer,
                2 ** halvings_of(layer),
                of_content.compared(layer, names),
                of_style.compared(layer, names),
                of_style.shares.get(layer),
            )
            for layer, names in needed.items()
        ]
    return pixels, painting, options.attention_temperature, compared


def _bytes_per_pixel(encoder: Encoder, needed: Mapping[str, Sequence[str]]) -> float:
    """Memory of one pixel of either picture while its features are compared."""
    widths = encoder.config.widths
    joined = sum(
        widths[block_of(name) - 1] / 4 ** halvings_of(layer) for layer, names in needed.items() for name in names
    )
    # Two layers at the picture's own size; features, normalised, joined, and laid out for the product.
    result: float = 4 * (2 * widths[0] + 4 * joined)
    return result
