"""A contact sheet: every content painted in every style, in one picture."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impasto import image
from impasto.errors import PictureError
from impasto.gallery import shown
from impasto.jobs.job import FileSource, PaintJob

Floats = NDArray[np.float32]
Cells = dict[tuple[int, int], Floats]

CELL = 512  # px of a cell's longer side at most; a result of the usual size is shown as it is
GAP = 8
PAPER, MISSING = 1.0, 0.85


class Sheet:
    """Rows are contents and columns are styles; the first column shows the contents, the first row the styles."""

    def __init__(self, contents: Sequence[FileSource], styles: Sequence[FileSource]) -> None:
        self.contents = tuple(contents)
        self.styles = tuple(styles)
        self.cells: Cells = {}

    def check(self, path: Path) -> None:
        """Raises PictureError if so many pictures, were they as large as they can be, do not fit the file's format."""
        extents = (_end([CELL] * (1 + len(some))) for some in (self.contents, self.styles))
        image.check_size(path, *extents)

    def add(self, job: PaintJob, picture: image.Picture) -> None:
        row = [content.key for content in self.contents].index(job.content.key) + 1
        column = [style.key for style in self.styles].index(job.styles[0].key) + 1
        self.cells[row, column] = _thumbnail(picture)

    def write(
        self,
        path: Path,
        *,
        overwrite: bool = False,
        pixel_limit: int = image.DEFAULT_PIXEL_LIMIT,
        sources: Sequence[Any] = (),
    ) -> None:
        """Write the sheet with what is there; a painting that is not becomes a grey cell. Raises PictureError."""
        inputs = {(row, 0): source for row, source in enumerate(self.contents, 1)}
        inputs |= {(0, column): source for column, source in enumerate(self.styles, 1)}
        cells = dict(self.cells)
        longest = max(max(cell.shape[-2:]) for cell in cells.values())
        for place, source in inputs.items():
            try:
                cells[place] = _thumbnail(image.read(shown(source.name, source.path), pixel_limit=pixel_limit), longest)
            except PictureError:
                continue
        record = {
            "software": "impasto",
            "version": version("impasto"),
            "contact_sheet": {
                "contents": [source.name for source in self.contents],
                "styles": [source.name for source in self.styles],
            },
        }
        image.write(image.Picture(self._compose(cells)), path, overwrite=overwrite, record=record, sources=sources)

    def _compose(self, cells: Cells) -> Floats:
        """{(row, column): (1, 3, h, w)} -> (1, 3, H, W); rows and columns are as large as what is in them."""
        heights = [_extent(cells, 0, row, 2) for row in range(len(self.contents) + 1)]
        widths = [_extent(cells, 1, column, 3) for column in range(len(self.styles) + 1)]
        sheet = np.full((1, 3, _end(heights), _end(widths)), PAPER, np.float32)
        for row, height in enumerate(heights):
            for column, width in enumerate(widths):
                if (row, column) == (0, 0):
                    continue
                cell = cells.get((row, column))
                if cell is None:
                    cell = np.full((1, 3, height, width), MISSING, np.float32)
                top = _end(heights[:row]) + (height - cell.shape[2]) // 2
                left = _end(widths[:column]) + (width - cell.shape[3]) // 2
                sheet[:, :, top : top + cell.shape[2], left : left + cell.shape[3]] = cell
        return sheet


def _thumbnail(picture: image.Picture, longest: int = CELL) -> Floats:
    """(1, 3, h, w) on paper, no larger than it is."""
    size = image.fit(picture.height, picture.width, min(longest, max(picture.height, picture.width)))
    return image.resize(image.on_white(picture).pixels, *size)


def _extent(cells: Cells, axis: int, number: int, side: int) -> int:
    return max((cell.shape[side] for place, cell in cells.items() if place[axis] == number), default=1)


def _end(extents: Sequence[int]) -> int:
    """Where the next cell begins."""
    return GAP + sum(extent + GAP for extent in extents)
