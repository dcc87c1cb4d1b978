"""A comparison: a process for every method, numbers for every picture, a sheet and a page; what was done stays done."""

import hashlib
import json
import multiprocessing
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

from PIL import Image

from impasto import tensors
from impasto.comparison.entries import Entry
from impasto.comparison.worker import Message, Pairs, work
from impasto.decoding import read_shown
from impasto.device import machine
from impasto.errors import ImpastoError, PictureError, reason_of
from impasto.evaluation.measures import Judges, likeness_of_pair, style_of_pair
from impasto.evaluation.numbers import software
from impasto.evaluation.pictures import of_area, pixels
from impasto.files import check_output, make_folder, replace_file
from impasto.jobs.job import FileSource
from impasto.record import find_record
from impasto.report import variants
from impasto.report.folder import claim, write_files
from impasto.report.sheets import png, reduced
from impasto.report.tables import columns_of, plain
from impasto.report.variants import Pair, Report, Variants
from impasto.weights import sha256_of

FORMAT = "impasto compare 1"
NUMBERS = "compare.json"
FILES = (NUMBERS, "sheet.png", "index.html")
THUMBNAIL = 320  # px of a longer side on the sheet

NOTE = (
    "Over all {count} pairs: median seconds of painting, without loading; the highest peak of resident memory of a"
    " process that runs this method alone, and in brackets without what Python and PyTorch hold themselves; means of"
    " the other numbers. SSIM to the photo: more keeps more of it. Distances in the features of impasto's own encoder,"
    " and of colours: less is nearer. {machine}. Pictures on this page are compressed; the files beside it are not."
)


@dataclass(frozen=True)
class PaintedCell:
    """What one method made of one pair. key: of everything that decides it. before_bytes: held by Python, PyTorch
    and impasto before they had done anything; None where the system does not tell."""

    content: str
    style: str
    method: str
    file: str
    key: str
    sha256: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0
    before_bytes: int | None = None
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(kw_only=True)
class Comparison(Variants[Path, Entry, PaintedCell]):
    """folder: for everything that comes of it. failures: of single pictures and of whole methods, each by its name."""

    folder: Path
    device: str = "auto"
    failures: list[tuple[str, Exception]] = field(default_factory=list)

    @cached_property
    def judges(self) -> Judges:
        """Only lite: a comparison downloads nothing."""
        return Judges(networks=(), device=self.device)

    def prepare(self) -> dict[str, PaintedCell]:
        """Make the folder, and tell what an earlier call left in it.

        Raises PictureError if the folder cannot be used, or holds an input or a stranger's file by a name of ours.
        """
        make_folder(self.folder)
        inputs = [path for _, path in (*self.contents, *self.styles)]
        earlier = claim(self.folder, FILES, NUMBERS, ("format", FORMAT), "`impasto compare`", inputs=inputs)
        known = {cell["key"]: PaintedCell(**cell) for cell in earlier.get("cells", ())}
        ours = {cell.file for cell in known.values()}
        for file in (_file(entry, pair) for entry in self.variants.values() for pair in self.pairs):
            path = self.folder / file
            if path.exists():
                check_output(path, overwrite=True, sources=inputs)
                if file not in ours and find_record(path) is None:
                    raise PictureError(f"{path}: is there already, and not of impasto; choose another folder")
        return known

    def run(self, report: Report = lambda *_: None) -> None:
        """Paint and measure whatever is not there yet. Failures of single pictures are kept in `failures`.

        Raises PictureError if the folder cannot be used. Whatever stops it, what was done so far is kept.
        """
        known = self.prepare()
        wanted = {
            (number, entry.name): self._cell(entry, pair)
            for entry in self.variants.values()
            for number, pair in enumerate(self.pairs)
        }
        for place, cell in wanted.items():
            earlier = known.get(cell.key)
            if earlier and self._is_there(earlier):
                self.cells[place] = earlier

        def make(entry: Entry, pairs: Sequence[int]) -> Iterator[tuple[int, PaintedCell]]:
            for pair, cell in self._painted(entry, {pair: wanted[pair, entry.name] for pair in pairs}):
                known[cell.key] = cell
                self._save(known.values())
                yield pair, cell

        self.fill(make, report)
        self._save(self.cells.values())

    def write(self) -> list[Path]:
        sheet = variants.sheet(self._rows(THUMBNAIL), list(self.variants), titles=True)
        note = NOTE.format(count=len(self.pairs), machine=machine())
        by_method = {
            method: [cell for (_, name), cell in self.cells.items() if name == method] for method in self.variants
        }
        summary = [self._numbers(method, cells) for method, cells in by_method.items() if cells]
        page = variants.page("Comparison of methods", [note], summary, self._rows())
        return write_files(self.folder, {"sheet.png": png(sheet), "index.html": page})

    def _cell(self, entry: Entry, pair: Pair[Path]) -> PaintedCell:
        (content, content_path), (style, style_path) = pair
        decides = {
            "options": entry.options.to_json(),
            "weights": sha256_of(entry.weights) if entry.weights and entry.weights.is_file() else None,
            "content": sha256_of(content_path),
            "style": sha256_of(style_path),
            "device": self.device,
            "versions": software(),
        }
        key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        return PaintedCell(content=content, style=style, method=entry.name, file=_file(entry, pair), key=key)

    def _is_there(self, cell: PaintedCell) -> bool:
        path = self.folder / cell.file
        return path.is_file() and sha256_of(path) == cell.sha256

    def _painted(self, entry: Entry, cells: Mapping[int, PaintedCell]) -> Iterator[tuple[int, PaintedCell]]:
        """Finished cells of one method as its process hands them out."""
        left = dict(cells)
        jobs = {}
        for number, cell in cells.items():
            (_, content), (_, style) = self.pairs[number]
            jobs[number] = FileSource(content, cell.content), FileSource(style, cell.style), self.folder / cell.file
        for pair, outcome in _messages(entry, self.device, jobs):
            if pair is None:
                self.failures.append((entry.name, ImpastoError(outcome)))
                return
            cell = left.pop(pair)
            if isinstance(outcome, str):
                self.failures.append((f"{cell.content} in {cell.style} by {entry.name}", ImpastoError(outcome)))
                continue
            path = self.folder / cell.file
            yield pair, replace(cell, **outcome, sha256=sha256_of(path), measures=self._measured(path, pair))
        if left:
            self.failures.append((entry.name, ImpastoError("its process was killed, perhaps for want of memory")))

    def _measured(self, painted: Path, pair: int) -> dict[str, float]:
        picture = pixels(painted)
        (_, content), (_, style) = self.pairs[pair]
        original = tensors.resize(pixels(content), *picture.shape[-2:])
        painting = of_area(pixels(style), picture.shape[2] * picture.shape[3])
        values = likeness_of_pair(picture, original, self.judges) | style_of_pair(picture, painting, self.judges)
        # What painting is for makes decibels fall.
        return {name: value for name, value in values.items() if name not in ("PSNR", "MS-SSIM")}

    def _save(self, cells: Iterable[PaintedCell]) -> None:
        about = {
            "format": FORMAT,
            "machine": machine(),
            "device": self.device,
            "methods": {name: entry.options.to_json() for name, entry in self.variants.items()},
            "cells": [asdict(cell) for cell in cells],
        }
        try:
            replace_file(self.folder / NUMBERS, json.dumps(about, indent=1) + "\n")
        except OSError as error:
            raise PictureError(f"{self.folder}: cannot be written: {reason_of(error)}") from None

    def _rows(self, side: int | None = None) -> Iterator[variants.PairRow]:
        """side: px of a painting's longer side at most; its content and style are then no larger than it."""
        for ((content, content_path), (style, style_path)), cells in self.by_pair():
            painted = {name: _read(self.folder / cell.file, side) for name, cell in cells.items()}
            largest = side and max((max(picture.size) for picture in painted.values()), default=side)
            yield variants.PairRow(
                names=(Path(content).stem, Path(style).stem),
                content=_read(content_path, largest), style=_read(style_path, largest), painted=painted,
                numbers=[self._numbers(name, [cell]) for name, cell in cells.items()],
            )  # fmt: skip

    def _numbers(self, method: str, cells: Sequence[PaintedCell]) -> dict[str, str]:
        """Median seconds, the highest peak, means of the measures."""
        peak = max(cells, key=lambda cell: cell.peak_bytes)
        held = "" if peak.before_bytes is None else f" (+{(peak.peak_bytes - peak.before_bytes) / 2**20:.0f})"
        row = {
            "method": method,
            "seconds": plain(statistics.median(cell.seconds for cell in cells), 3),
            "peak memory": f"{peak.peak_bytes / 2**20:.0f} MiB{held}" if peak.peak_bytes else "",
        }
        for measure in columns_of([cell.measures for cell in self.cells.values()]):
            values = [cell.measures[measure] for cell in cells if measure in cell.measures]
            row[measure] = f"{statistics.fmean(values):.3f}" if values else ""
        return row


def _file(entry: Entry, pair: Pair[Path]) -> str:
    (content, _), (style, _) = pair
    return f"{Path(content).stem}-{Path(style).stem}-{entry.slug}.png"


def _read(path: Path, side: int | None) -> Image.Image:
    picture = read_shown(path)
    return picture if side is None else reduced(picture, side)


def _messages(entry: Entry, device: str, pairs: Pairs) -> Iterator[Message]:
    """What a process that works by itself tells, pair by pair; it ends with the caller."""
    # Not forked: threads of PyTorch do not survive that, and memory would be shared.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(entry, device, pairs, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        # It ends where the link does, whatever has ended the process.
        with ours, suppress(EOFError):
            while True:
                yield ours.recv()
    finally:
        process.kill()
        process.join()
