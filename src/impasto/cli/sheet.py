"""A contact sheet: every content painted in every style, in one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto import __version__, image
from impasto.engine.raster import Resized
from impasto.engine.room import materialised
from impasto.errors import PictureError
from impasto.gallery import shown
from impasto.jobs.file_target import FileTarget
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

    def __init__(
        self, path: Path, contents: Sequence[FileSource], styles: Sequence[FileSource], how: FileTarget
    ) -> None:
        """how: as the paintings are written. Raises PictureError if it could not be, were all pictures as large as they
        can be."""
        self.path, self.contents, self.styles = path, contents, styles
        self.cells: dict[tuple[int, int], Image.Image] = {}
        self._how: dict[str, Any] = {"overwrite": how.overwrite or how.resume, "sources": how.inputs}
        image.check_target(path, **self._how)
        height, width = ((CELL + GAP) * (1 + len(sources)) + GAP for sources in (contents, styles))
        image.check_size(path, height + LABEL * (2 + len(contents)), width)

    def add(self, job: PaintJob, picture: image.Picture) -> None:
        row = [content.key for content in self.contents].index(job.content.key)
        column = [style.key for style in self.styles].index(job.styles[0].key)
        self.cells[row, column] = _thumbnail(picture)

    def write(self, pixel_limit: int) -> None:
        """Write the sheet with what is there; a picture that is not becomes a grey cell. Raises PictureError."""
        longest = max(max(cell.size) for cell in self.cells.values())

        def small(source: FileSource) -> "Image.Image | None":
            try:
                return _thumbnail(image.read(shown(source.name, source.path), pixel_limit=pixel_limit), longest)
            except PictureError:
                return None

        rows = [[blank(), *map(small, self.styles)]]
        for row, content in enumerate(self.contents):
            painted = [self.cells.get((row, column)) for column in range(len(self.styles))]
            rows.append([small(content), *painted])
        contents, styles = ([source.name for source in sources] for sources in (self.contents, self.styles))
        sheet = image.from_pil(grid(rows, ["", *styles], ["", *contents]))
        image.write(sheet, self.path, record=sheet_record(contents, styles), **self._how)


def sheet_record(contents: Sequence[str], styles: Sequence[str]) -> Record:
    """What a sheet says of itself. contents, styles: their names."""
    shows = {"contents": list(contents), "styles": list(styles)}
    return {"software": "impasto", "version": __version__, "contact_sheet": shows}


def _thumbnail(picture: image.Picture, longest: int = CELL) -> "Image.Image":
    """On paper, no larger than it is."""
    size = fit_within(picture.height, picture.width, longest)
    return image.to_pil(image.Picture(materialised(Resized(image.on_white(picture).raster, size))))
