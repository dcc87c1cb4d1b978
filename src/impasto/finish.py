"""What is done to every painting that a method hands out, finished or not: regions and colours."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from impasto import image
from impasto.colour import keep_colours
from impasto.decoding import Floats
from impasto.engine.raster import Raster, Window
from impasto.options import Options
from impasto.progress import Progress, ProgressCallback


class Finish:
    """last: what was last reported of the painting."""

    def __init__(self, content: Floats | Raster, maps: Sequence[Floats] | None, options: Options) -> None:
        """content: (1, 3, H, W), or the same to be looked at part by part. maps: how much of each position is a
        style's."""
        self.content = content
        self.covered = None if maps is None else np.sum(list(maps), 0).clip(0, 1)
        self.keeps_colours = options.colour == "keep"
        self.last: Progress | None = None

    def __call__(self, painted: Floats) -> Floats:
        """(1, 3, h, w) of the whole picture -> the same, where no style goes the content itself."""
        height, width = painted.shape[-2:]
        assert isinstance(self.content, np.ndarray)
        content = image.resize(self.content, height, width)
        covered = None if self.covered is None else image.resize(self.covered, height, width)
        return self._finished(painted, content, covered)

    def part(self, place: Window, painted: Floats) -> Floats:
        """The same of a part, (1, 3, h, w)."""
        painted = painted.clip(0, 1)
        if self.covered is None and not self.keeps_colours:
            return painted
        assert not isinstance(self.content, np.ndarray)
        rows, columns = slice(place.top, place.bottom), slice(place.left, place.right)
        covered = None if self.covered is None else self.covered[..., rows, columns]
        return self._finished(painted, self.content.window(place), covered)

    def watching(self, progress: ProgressCallback | None) -> ProgressCallback:
        """The same reports, with previews that are finished, too; the last one is remembered."""

        def report(reported: Progress) -> None:
            self.last, preview = reported, reported.preview
            if progress:
                progress(reported if preview is None else replace(reported, preview=lambda: self(preview())))

        return report

    def _finished(self, painted: Floats, content: Floats, covered: Floats | None) -> Floats:
        if self.keeps_colours:
            painted = keep_colours(painted, content)
        if covered is not None:
            painted = content + covered * (painted - content)
        return painted
