"""Filter normalisation: every filter's mean activation over pictures and positions made 1.

Gatys et al. (2016), section 2, and the papers after them use VGG weights rescaled so. ReLU, average and maximum pooling
are positively homogeneous, so dividing a filter by its mean activation and multiplying the next layer's input channel
with it leaves the network's function unchanged up to the scale of each filter.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from impasto import image, tensors, weights
from impasto.encoders.network import LAYERS, Encoder
from impasto.errors import DataError, PictureError

Failures = list[tuple[Path, PictureError]]

# A filter that hardly ever fires would be blown up until its few responses rule every Gram matrix. No filter is
# scaled as if it fired less than this share of its layer's mean; a dead filter stays dead.
FLOOR = 0.05


@torch.no_grad()
def mean_activations(encoder: Encoder, images: Iterable[Tensor]) -> dict[str, Tensor]:
    """Mean response of every filter over all pictures and positions: {layer: (C,)}, float64.

    images: (N, 3, H, W) batches; each position of each picture counts the same. Raises DataError if there are none.
    """
    totals: dict[str, Tensor] = {}
    positions: dict[str, int] = {}
    for batch in images:
        for layer, features in encoder(batch, LAYERS).items():
            totals[layer] = totals.get(layer, 0) + features.double().sum((0, 2, 3))
            positions[layer] = positions.get(layer, 0) + features.numel() // features.shape[1]
    if not totals:
        raise DataError("filter normalisation needs at least one picture")
    return {layer: total / positions[layer] for layer, total in totals.items()}


def filter_scales(means: dict[str, Tensor]) -> dict[str, Tensor]:
    """What each filter is divided by: its mean activation, but at least FLOOR of its layer's mean: {layer: (C,)}."""
    # A layer that never fires at all has no scale; 1 leaves it as it is.
    return {layer: mean.clamp_min(FLOOR * float(mean.mean()) or 1.0) for layer, mean in means.items()}


@torch.no_grad()
def normalise_filters(encoder: Encoder, scales: dict[str, Tensor]) -> None:
    """Divide the responses of `encoder` by `scales`, in place; layers after it see what they saw before."""
    previous = torch.ones(3, dtype=torch.float64)
    for layer in LAYERS:
        convolution = encoder.convolution(layer)
        scale = scales[layer].to(convolution.weight.device)
        weight = convolution.weight.double() * previous.to(scale.device).view(1, -1, 1, 1) / scale.view(-1, 1, 1, 1)
        convolution.weight.copy_(weight)
        assert convolution.bias is not None
        convolution.bias.copy_(convolution.bias.double() / scale)
        previous = scale


def normalise_from_pictures(
    encoder: Encoder,
    pictures: Sequence[Path],
    *,
    size: int,
    report: Callable[[int, int], None] | None = None,
) -> Failures:
    """Make the mean activation of every filter 1 over these pictures, in place; returns those that cannot be read.

    size: the longer side, to which larger pictures are reduced. report: called with (done, total) after each.
    Raises DataError if there is no picture left.
    """
    failures: Failures = []

    def pixels() -> Iterator[Tensor]:
        for done, path in enumerate(pictures, 1):
            try:
                picture = image.on_white(image.read(path))
            except PictureError as error:
                failures.append((path, error))
            else:
                longer = max(picture.height, picture.width)
                yield tensors.resize(
                    tensors.to_tensor(picture), *image.fit(picture.height, picture.width, min(size, longer))
                )
            if report:
                report(done, len(pictures))

    normalise_filters(encoder, filter_scales(mean_activations(encoder, pixels())))
    return failures


def save_normalised(encoder: Encoder, path: Path, *, name: str, pictures: int, size: int) -> None:
    """Write the encoder with what it was normalised on. Raises WeightsError."""
    about = {"encoder": name, "pictures": pictures, "size": size, "pooling": encoder.pooling}
    weights.save(path, encoder.state_dict(), {"encoder": encoder.config.to_json(), "normalised": about})
