"""Variants side by side on the same pairs of content and style: as one contact sheet, and as a page with a slider
between the content and what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from impasto.report.page import render
from impasto.report.sheets import data_url, grid, jpeg, reduced
from impasto.report.tables import Row

THUMBNAIL = 320  # px of a style's longer side on the page
SHOWN = 1024  # and of the other pictures, which are compressed
LARGEST_ZOOM = 2  # of a small painting


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """A content and a style, each with its name, and the picture that each variant made of them, where it could.

    numbers: a row of the pair's table for each variant.
    """

    names: tuple[str, str]
    content: Image.Image
    style: Image.Image
    painted: Mapping[str, Image.Image]
    numbers: Sequence[Row] = ()

    @property
    def title(self) -> str:
        return " in ".join(self.names)


def sheet(pairs: Iterable[PairRow], variants: Sequence[str], *, titles: bool) -> Image.Image:
    """A row for every pair: content, style, and what each variant made; grey where it made nothing.

    titles: whether each row says below which pair it is.
    """
    rows: list[list[Image.Image | None]] = []
    names = []
    for pair in pairs:
        rows.append([pair.content, pair.style, *(pair.painted.get(name) for name in variants)])
        names.append(pair.title if titles else "")
    return grid(rows, ["content", "style", *variants], names)


def page(title: str, notes: Sequence[str], summary: Sequence[Row], pairs: Iterable[PairRow]) -> str:
    """HTML with all pictures inside. notes: paragraphs below the summary, a table of all pairs."""
    shown = [_shown(pair) for pair in pairs]
    return render("variants.html", title=title, notes=notes, summary=summary, pairs=shown, zoom=LARGEST_ZOOM)


def _shown(pair: PairRow) -> dict[str, object]:
    size = next((picture.size for picture in pair.painted.values()), pair.content.size)
    return {
        "title": pair.title, "photo": pair.names[0], "painting": pair.names[1], "numbers": pair.numbers,
        "width": size[0], "height": size[1],
        "before": _url(pair.content.resize(size, Image.Resampling.LANCZOS), SHOWN),
        "style": _url(pair.style, THUMBNAIL),
        "painted": {name: _url(picture, SHOWN) for name, picture in pair.painted.items()},
    }  # fmt: skip


def _url(picture: Image.Image, side: int) -> str:
    return data_url(jpeg(reduced(picture, side), 90, fine_colours=True))
