"""Running a comparison: a process for every method, numbers for every picture, and what was done stays done."""

import hashlib
import json
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from impasto import tensors
from impasto.comparison.entries import Entry
from impasto.comparison.worker import Message, Share, work
from impasto.device import machine
from impasto.errors import ImpastoError, PictureError, reason_of
from impasto.evaluation.judges import Judges
from impasto.evaluation.measures import likeness_of_pair, style_of_pair
from impasto.evaluation.number import software
from impasto.evaluation.picture_set import of_area, pixels
from impasto.files import check_output, make_folder, replace_file
from impasto.jobs.job import FileSource
from impasto.record import find_record
from impasto.report.folder import claim
from impasto.report.variants import Pair, Report, Variants
from impasto.weights import sha256_of

FORMAT = "impasto compare 1"
NUMBERS = "compare.json"
FILES = (NUMBERS, "sheet.png", "index.html")


@dataclass
class PaintedCell:
    """What one method made of one pair. key: of everything that decides it. before_bytes: held by Python, PyTorch
    and impasto before they had done anything."""

    content: str
    style: str
    method: str
    file: str
    key: str
    sha256: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0
    before_bytes: int | None = None
    measures: dict[str, float] = field(default_factory=dict)


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

    def prepare(self) -> dict[str, PaintedCell]:
        """Make the folder, and tell what an earlier call left in it.

        Raises PictureError if the folder cannot be used, or holds an input or a stranger's file by a name of ours.
        """
        make_folder(self.folder)
        earlier = claim(self.folder, FILES, NUMBERS, ("format", FORMAT), "`impasto compare`")
        known = {cell["key"]: PaintedCell(**cell) for cell in earlier.get("cells", ())}
        ours = {cell.file for cell in known.values()} | set(FILES)
        for file in [*FILES, *(self._file(entry, pair) for entry in self.variants.values() for pair in self.pairs)]:
            path = self.folder / file
            if path.exists():
                check_output(path, overwrite=True, sources=[source for _, source in (*self.contents, *self.styles)])
                if file not in ours and find_record(path) is None:
                    raise PictureError(f"{path}: is there already, and not of impasto; choose another folder")
        return known

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
        return PaintedCell(content=content, style=style, method=entry.name, file=self._file(entry, pair), key=key)

    def _file(self, entry: Entry, pair: Pair[Path]) -> str:
        (content, _), (style, _) = pair
        return f"{Path(content).stem}-{Path(style).stem}-{entry.slug}.png"

    def _is_there(self, cell: PaintedCell) -> bool:
        path = self.folder / cell.file
        return path.is_file() and sha256_of(path) == cell.sha256

    def _painted(self, entry: Entry, cells: Mapping[int, PaintedCell]) -> Iterator[tuple[int, PaintedCell]]:
        """Finished cells of one method as its process hands them out."""
        left = dict(cells)
        pairs = {
            pair: (FileSource(content, cell.content), FileSource(style, cell.style), self.folder / cell.file)
            for pair, cell in cells.items()
            for (_, content), (_, style) in [self.pairs[pair]]
        }
        for message in _messages(Share(entry.options, entry.weights, self.device, pairs)):
            if message.pair is None:
                self.failures.append((entry.name, ImpastoError(message.error)))
                return
            cell = left.pop(message.pair)
            if message.error:
                self.failures.append((f"{cell.content} in {cell.style} by {entry.name}", ImpastoError(message.error)))
                continue
            cell.seconds, cell.peak_bytes, cell.before_bytes = message.seconds, message.peak_bytes, message.before_bytes
            cell.sha256 = sha256_of(self.folder / cell.file)
            cell.measures = self._measured(self.folder / cell.file, message.pair)
            yield message.pair, cell
        if left:
            self.failures.append((entry.name, ImpastoError("its process was killed, perhaps for want of memory")))

    def _measured(self, painted: Path, pair: int) -> dict[str, float]:
        picture = pixels(painted)
        (_, content), (_, style) = self.pairs[pair]
        original = tensors.resize(pixels(content), *picture.shape[-2:])
        painting = of_area(pixels(style), picture.shape[2] * picture.shape[3])
        judges = self.judges
        values = likeness_of_pair(picture, original, judges) | style_of_pair(picture, painting, judges)
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


def _messages(share: Share) -> Iterator[Message]:
    """What a process that works by itself tells, pair by pair; it ends with the caller."""
    # Not forked: threads of PyTorch do not survive that, and memory would be shared.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(share, theirs), daemon=True)
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
