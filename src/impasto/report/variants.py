"""Variants of the same pairs of content and style: made one after the other, and put side by side as one contact sheet
and as a page with a slider between the content and what became of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from PIL import Image

from impasto.report.page import render
from impasto.report.sheets import data_url, grid, jpeg, reduced
from impasto.report.tables import Row

THUMBNAIL = 320  # px of a style's longer side on the page
SHOWN = 1024  # and of the other pictures, which are compressed
LARGEST_ZOOM = 2  # of a small painting


Source = TypeVar("Source")
Variant = TypeVar("Variant")
Cell = TypeVar("Cell")
Pair = tuple[tuple[str, Source], tuple[str, Source]]
Report = Callable[[int, int, str], None]


@dataclass(kw_only=True)
class Variants(Generic[Source, Variant, Cell]):
    """contents, styles: names and pictures, or where they are; every content goes with every style. cells: what there
    is, by number of the pair and name of the variant.
    """

    contents: Sequence[tuple[str, Source]]
    styles: Sequence[tuple[str, Source]]
    variants: Mapping[str, Variant]
    cells: dict[tuple[int, str], Cell] = field(default_factory=dict)

    @property
    def pairs(self) -> list[Pair[Source]]:
        return [(content, style) for content in self.contents for style in self.styles]

    def fill(self, make: Callable[[Variant, Sequence[int]], Iterable[tuple[int, Cell]]], report: Report) -> None:
        """make: given a variant and the pairs that it lacks, hands out each cell as soon as it is there. report: called
        with (done, all, which variant)."""
        total = len(self.pairs) * len(self.variants)
        for name, variant in self.variants.items():
            report(len(self.cells), total, name)
            missing = [pair for pair in range(len(self.pairs)) if (pair, name) not in self.cells]
            for pair, cell in make(variant, missing) if missing else ():
                self.cells[pair, name] = cell
                report(len(self.cells), total, name)

    def by_pair(self) -> Iterator[tuple[Pair[Source], dict[str, Cell]]]:
        """Every pair, and its cells by variant, as far as there are any."""
        for number, pair in enumerate(self.pairs):
            yield pair, {name: self.cells[number, name] for name in self.variants if (number, name) in self.cells}


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
