"""What the painting process does with a job: networks and encoded pictures kept from one to the next, within bounds."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from impasto import api, image
from impasto.device import choose_device
from impasto.errors import Cancelled, PictureError
from impasto.gallery import is_encoded, packaged
from impasto.jobs.job import BytesSource, FileSource, Mask, PaintJob, PictureSource
from impasto.jobs.pipeline import paint
from impasto.jobs.session import Cache, Session
from impasto.methods import StylizeOptions, Stylizer
from impasto.options import Options
from impasto.progress import Progress, ProgressCallback
from impasto.record import Record
from impasto.service.job import CLIP, PAINTED
from impasto.service.limits import MEGA
from impasto.service.request import PaintRequest, VideoRequest, restored
from impasto.service.wire import Message
from impasto.sizes import fit_within
from impasto.sources import depth

if TYPE_CHECKING:
    from impasto.attention import Attention

LOOKS = 4
"""Pictures, or pairs of them, that are kept as attention sees them: who clicks once will click again."""
LARGEST_LOOK = 2**27
"""Bytes of one that is kept: twice what the encoder lite sees of two pictures at its first layer and the usual size."""

PREVIEW_SIDE = 512
"""Pixels of a preview's longer side."""


class TaskPainter:
    """Does task after task of the server on one device, and gives what is asked for as the bytes of a file."""

    def __init__(
        self, device: str, styles: Mapping[str, str], weights: Mapping[str, str], pixel_limit: int, keep_seconds: float
    ) -> None:
        """styles, weights: {name: file} of the server's. pixel_limit: of any picture that is decoded. keep_seconds:
        that pictures which were looked at are kept for the next look.

        Raises OptionError if the device is not there.
        """
        self._place = choose_device(device)
        self.device = self._place.type
        self._paths, self._weights = styles, weights
        self._keep_seconds = keep_seconds
        self._session = Session(self._load, pixel_limit=pixel_limit)
        self._looks: Cache[Attention] = Cache(LOOKS)

    def warm_up(self) -> None:
        """Load the default method and paint once, so that the first job does not pay for it."""
        options, path = StylizeOptions(size=64), next(iter(packaged().values()))
        api.paint(image.read(path), [path], options, stylizer=self._session.method(options))

    def do(self, task: Message, progress: ProgressCallback) -> bytes:
        """What the server asks for. Raises what kept it from being done."""
        request = restored(task.kind, task.values, task.blobs)
        if isinstance(request, VideoRequest):
            return self.video(request, progress, Path(task.values["folder"]), task.values["num_bytes"])
        return self.paint(request, progress) if request.place is None else self.look(request)

    def paint(self, request: PaintRequest, progress: ProgressCallback) -> bytes:
        """Raises what kept it from being painted; `best` of Cancelled is a `Picture` or None."""
        masks = tuple(
            Mask("rest") if mask is None else Mask("upload", BytesSource(mask, f"mask {number}"))
            for number, mask in enumerate(request.masks, 1)
        )
        content = BytesSource(request.content, "content")
        painted = paint(PaintJob(content, self._styles(request), request.options, masks), self._session, progress)
        return _encoded(painted.picture, request.format, painted.record)

    def video(self, request: VideoRequest, progress: ProgressCallback, folder: Path, num_bytes: int) -> bytes:
        """A film, painted in the folder of its job, so no bytes; what another process has painted there already is not
        painted again. Raises what kept it from being painted, and Cancelled; what is done by then is there as well.

        num_bytes: for the pieces of the film, and once more for the film that they become; it ends where they are more.
        """
        from impasto.video.stylize import stylize_video

        options, is_full = request.options, False

        def within_bounds(made: Progress) -> None:
            nonlocal is_full
            is_full = 2 * sum(path.stat().st_size for path in folder.glob(f"{PAINTED}.*/*")) > num_bytes
            if is_full:
                raise Cancelled
            progress(made)

        try:
            stylize_video(
                folder / CLIP, [self._session.style(style, options) for style in self._styles(request)], options,
                video=request.video, output=folder / f"{PAINTED}.{request.format}", resume=True, metadata=False,
                stylizer=self._session.method(options), progress=within_bounds,
            )  # fmt: skip
        except PictureError as error:
            raise PictureError(str(error).replace(f"{folder}{os.sep}", "")) from error
        except Cancelled as stopped:
            if not is_full:
                raise
            limit = f"{num_bytes / MEGA:g} MB on the disk"
            raise PictureError(f"the painted film needs more than {limit}; choose a smaller size") from stopped
        return b""

    def look(self, request: PaintRequest) -> bytes:
        """Where a place looks. Pictures of the last looks are not encoded again.

        Raises what `attention.prepare` raises.
        """
        from impasto.attention import overlay, prepare

        assert request.place is not None
        options, limit = request.options, self._session.pixel_limit
        styles = [one if isinstance(one, bytes) else Path(self._paths[one]).read_bytes() for one in request.styles]

        def prepared() -> "Attention":
            content = BytesSource(request.content, "content").read(limit)
            style = BytesSource(styles[0], "style 1").read(limit) if options.looks_in == "style" else None
            return prepare(content, style, options, stylizer=self._session.method(options))

        key = *(hashlib.sha256(data).digest() for data in (request.content, *styles)), options
        seen = self._looks.get(key, prepared, keep=lambda value: value.num_bytes <= LARGEST_LOOK)
        x, y = request.place
        return _encoded(image.from_pil(overlay(seen, f"{x}%,{y}%")), request.format)

    def sweep(self) -> None:
        """Let go of pictures that nobody has looked at for some time."""
        self._looks.forget(self._keep_seconds)

    def best_so_far(self, stopped: Cancelled, format: str) -> bytes | None:  # noqa: A002
        """What there is of a painting that was stopped, as a file; None if there is nothing."""
        return _encoded(stopped.best, format) if isinstance(stopped.best, image.Picture) else None

    def preview(self, pixels: NDArray[np.float32]) -> bytes:
        """(1, 3, h, w) -> a small JPEG file."""
        height, width = pixels.shape[-2:]
        small = image.resize(pixels, *fit_within(height, width, PREVIEW_SIDE))
        return image.encode(image.Picture(small), "jpeg")

    def counts(self) -> dict[str, list[int]]:
        """{"styles", "models" or "looks": [hits, misses]} of what is kept, since the process began."""
        caches = (("styles", self._session.styles), ("models", self._session.methods), ("looks", self._looks))
        return {name: [cache.hits, cache.misses] for name, cache in caches}

    def _load(self, options: Options) -> Stylizer:
        weights = self._weights.get(options.weights_name)
        return api.load(options.method, device=str(self._place), weights=weights)

    def _styles(self, request: PaintRequest | VideoRequest) -> tuple[PictureSource, ...]:
        # Names of files say things about people; a record that travels with the picture holds none.
        return tuple(
            BytesSource(style, f"style {number}", "upload") if isinstance(style, bytes) else self._named(style)
            for number, style in enumerate(request.styles, 1)
        )

    def _named(self, name: str) -> PictureSource:
        file = Path(self._paths[name])
        return FileSource(file, name) if is_encoded(file) else BytesSource(file.read_bytes(), name, name)


def _encoded(picture: image.Picture, format: str, record: Record | None = None) -> bytes:  # noqa: A002
    return image.encode(picture, format, bits=depth(picture, Path(f"x.{format}")), record=record)
