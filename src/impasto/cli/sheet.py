"""A contact sheet: every content painted in every style, in one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto import __version__, image
from impasto.engine.raster import Resized
from impasto.engine.room import materialised
from impasto.errors import PictureError
from impasto.gallery import shown
from impasto.jobs.job import FileSource, PaintJob
from impasto.record import Record
from impasto.report.sheets import GAP, LABEL, blank, grid
from impasto.sizes import fit_within

if TYPE_CHECKING:
    from PIL import Image

CELL = 512  # px of a cell's longer side at most; a result of the usual size is shown as it is


class Sheet:
    """Rows are contents and columns are styles, with their names; the first column shows the contents, the first row
    the styles."""

    def __init__(self, contents: Sequence[FileSource], styles: Sequence[FileSource]) -> None:
        self.contents = tuple(contents)
        self.styles = tuple(styles)
        self.cells: dict[tuple[int, int], Image.Image] = {}

    def check(self, path: Path) -> None:
        """Raises PictureError if so many pictures, were they as large as they can be, do not fit the file's format."""
        height, width = ((CELL + GAP) * (1 + len(sources)) + GAP for sources in (self.contents, self.styles))
        image.check_size(path, height + LABEL * (2 + len(self.contents)), width)

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
        longest = max(max(cell.size) for cell in cells.values())
        for place, source in inputs.items():
            try:
                cells[place] = _thumbnail(image.read(shown(source.name, source.path), pixel_limit=pixel_limit), longest)
            except PictureError:
                continue
        record = sheet_record(*([one.name for one in shown_in] for shown_in in (self.contents, self.styles)))
        rows = [
            [cells.get((row, column)) for column in range(len(self.styles) + 1)]
            for row in range(len(self.contents) + 1)
        ]
        rows[0][0] = blank()
        columns, names = (["", *(one.name for one in shown_in)] for shown_in in (self.styles, self.contents))
        sheet = image.from_pil(grid(rows, columns, names))
        image.write(sheet, path, overwrite=overwrite, record=record, sources=sources)


def sheet_record(contents: Sequence[str], styles: Sequence[str]) -> Record:
    """What a sheet says of itself. contents, styles: their names."""
    shows = {"contents": list(contents), "styles": list(styles)}
    return {"software": "impasto", "version": __version__, "contact_sheet": shows}


def _thumbnail(picture: image.Picture, longest: int = CELL) -> "Image.Image":
    """On paper, no larger than it is."""
    size = fit_within(picture.height, picture.width, longest)
    return image.to_pil(image.Picture(materialised(Resized(image.on_white(picture).raster, size))))
