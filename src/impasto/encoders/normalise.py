"""An encoder normalised over pictures on disk, and its file, which `vgg19(weights=...)` reads."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from torch import Tensor

from impasto import image, tensors, weights
from impasto.encoders.filters import filter_scales, mean_activations, normalise_filters
from impasto.encoders.network import Encoder
from impasto.errors import PictureError

Failures = list[tuple[Path, PictureError]]


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
