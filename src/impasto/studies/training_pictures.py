"""What a training sees (paper 000, Figure 1): the very crops that a run begins with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from impasto.data.domains import KINDS, DomainCrops
from impasto.data.folders import list_pictures
from impasto.report.folder import write_files
from impasto.report.sheets import grid, png
from impasto.studies.report import claim

STUDY = "training-pictures"
SHOWN = 6
"""Crops of each kind."""


def show(data: Mapping[str, Sequence[Path]], folder: Path, *, size: int | None = None, seed: int = 0) -> Path:
    """Write figure.png, numbers.json and report.md; returns the report.

    data: folders of pictures of the kinds 'A' and 'B'. size: of the crops; 256 from pictures of 286 as in the paper, or
    in that ratio. seed: of the run. Raises DataError, PictureError.
    """
    usual = DomainCrops()
    seen = usual if size is None else replace(usual, crop=size, shorter=round(size * usual.shorter / usual.crop))
    streams, _ = seen.domains(data, seed)
    counts = {kind: len(list_pictures(data[kind], shards=True)) for kind in KINDS}
    claim(folder, STUDY)
    rows = [[_picture(getattr(streams, kind)[index]) for index in range(SHOWN)] for kind in KINDS]
    names = [f"{kind}: {count:,} pictures" for kind, count in counts.items()]
    about = {"study": STUDY, "seed": seed, "crop": seen.crop, "shorter": seen.shorter, "pictures": counts}
    files: dict[str, str | bytes] = {
        "figure.png": png(grid(rows, names=names)),
        "numbers.json": json.dumps(about, indent=1),
        "report.md": f"# {STUDY}\n\nPaper 000, Figure 1: the first {SHOWN} pictures of each kind that a run of the seed"
        f" {seed} learns from: the shorter side at {seen.shorter} pixels, a random crop of {seen.crop}, every other"
        " one mirrored on average.\n\n![figure.png](figure.png)\n",
    }
    return write_files(folder, files)[-1]


def _picture(crop: torch.Tensor) -> Image.Image:
    return Image.fromarray(crop.permute(1, 2, 0).numpy())
