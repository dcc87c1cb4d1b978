"""A comparison on paper: one contact sheet, and one page with a slider between the content and what became of it."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from impasto.comparison.runner import Comparison, PaintedCell
from impasto.decoding import read_shown
from impasto.device import machine
from impasto.report import variants
from impasto.report.folder import write_files
from impasto.report.sheets import png, reduced
from impasto.report.tables import plain

THUMBNAIL = 320  # px of a longer side on the sheet

NOTE = (
    "Over all {count} pairs: median seconds of painting, without loading; the highest peak of resident memory of a"
    " process that runs this method alone, and in brackets without what Python and PyTorch hold themselves; means of"
    " the other numbers. SSIM to the photo: more keeps more of it. Distances in the features of impasto's own encoder,"
    " and of colours: less is nearer. {machine}. Pictures on this page are compressed; the files beside it are not."
)


def write(comparison: Comparison) -> list[Path]:
    """sheet.png and index.html in the comparison's folder."""
    sheet = variants.sheet(_pairs(comparison, THUMBNAIL), list(comparison.variants), titles=True)
    note = NOTE.format(count=len(comparison.pairs), machine=machine())
    page = variants.page("Comparison of methods", [note], _summary(comparison), _pairs(comparison))
    return write_files(comparison.folder, {"sheet.png": png(sheet), "index.html": page})


def _pairs(comparison: Comparison, side: int | None = None) -> Iterator[variants.PairRow]:
    """side: px of a painting's longer side at most; its content and style are then no larger than it."""
    for ((content, content_path), (style, style_path)), cells in comparison.by_pair():
        painted = {name: _read(comparison.folder / cell.file, side) for name, cell in cells.items()}
        largest = side and max((max(picture.size) for picture in painted.values()), default=side)
        yield variants.PairRow(
            names=(Path(content).stem, Path(style).stem),
            content=_read(content_path, largest), style=_read(style_path, largest), painted=painted,
            numbers=[_row(name, [cell], comparison) for name, cell in cells.items()],
        )  # fmt: skip


def _read(path: Path, side: int | None) -> Image.Image:
    picture = read_shown(path)
    return picture if side is None else reduced(picture, side)


def _summary(comparison: Comparison) -> list[dict[str, str]]:
    of_method = {
        method: [cell for (_, name), cell in comparison.cells.items() if name == method]
        for method in comparison.variants
    }
    return [_row(name, cells, comparison) for name, cells in of_method.items() if cells]


def _row(name: str, cells: Sequence[PaintedCell], comparison: Comparison) -> dict[str, str]:
    """Median seconds, the highest peak, means of the measures."""
    peak = max(cells, key=lambda cell: cell.peak_bytes)
    held = "" if peak.before_bytes is None else f" (+{(peak.peak_bytes - peak.before_bytes) / 2**20:.0f})"
    row = {
        "method": name,
        "seconds": plain(statistics.median(cell.seconds for cell in cells), 3),
        "peak memory": f"{peak.peak_bytes / 2**20:.0f} MiB{held}" if peak.peak_bytes else "",
    }
    for measure in dict.fromkeys(name for cell in comparison.cells.values() for name in cell.measures):
        values = [cell.measures[measure] for cell in cells if measure in cell.measures]
        row[measure] = f"{statistics.fmean(values):.3f}" if values else ""
    return row
