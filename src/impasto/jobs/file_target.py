"""Paintings as files, and beside them their states, their steps and their losses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from impasto import image
from impasto.errors import OptionError, PictureError, reason_of
from impasto.files import check_output, in_unicode, replace_file
from impasto.image import Picture
from impasto.jobs.job import PaintingTarget, PaintJob
from impasto.methods import Saving
from impasto.progress import Progress
from impasto.record import Record, find_record
from impasto.sources import depth


@dataclass(frozen=True, kw_only=True)
class FileTarget(PaintingTarget):
    """A file of the format that its suffix says.

    bits: per channel, None for the content's own. overwrite: replace what is there. inputs: files that are never
    overwritten, and what is no path. resume: leave finished paintings be, and go on from states. save_every: steps
    between two states on disk, 0 for none. keep_steps: a picture along with each state. losses: a file of the losses of
    every step.
    """

    path: Path
    bits: int | None = None
    overwrite: bool = False
    inputs: Sequence[Any] = ()
    resume: bool = False
    save_every: int = 0
    keep_steps: bool = False
    losses: bool = False

    def __str__(self) -> str:
        return str(self.path)

    @property
    def state(self) -> Path:
        """The file that an unfinished painting goes on from."""
        return self.path.with_name(f"{self.path.stem}.state.safetensors")

    @property
    def loss_file(self) -> Path:
        """The file of the losses of every step."""
        return self.path.with_name(f"{self.path.stem}.losses.csv")

    def step(self, number: int) -> Path:
        """The file of an intermediate picture."""
        return self.path.with_name(f"{self.path.stem}.step{number:04d}.png")

    def check(self, job: PaintJob) -> None:
        """Raises PictureError or OptionError if the painting could not be written; belongs before all work."""
        others = None if self.overwrite else self._other_choices(job)
        image.check_target(self.path, overwrite=self.overwrite or others is not None, sources=self.inputs)
        if others and self.resume:
            raise PictureError(
                f"{self.path}: was painted with other options ({', '.join(others)});"
                " choose another name, or --overwrite"
            )
        if others is not None and not self.resume:
            remedy = "choose another name, or --overwrite" if others else "--resume leaves it, --overwrite replaces it"
            raise PictureError(f"{self.path}: the file exists; {remedy}")
        if self.bits == 16 and image.FORMATS[self.path.suffix.lower()] not in ("PNG", "TIFF"):
            raise OptionError(f"--bits 16 is for PNG and TIFF, but the output is {self.path}")
        if self.save_every:
            self._check_steps()
        if self.losses:
            check_output(self.loss_file, overwrite=self.overwrite or self.resume, sources=self.inputs)

    def write(self, picture: Picture, record: Record) -> None:
        # What lies there was found to be replaceable before painting began.
        replaceable = self.overwrite or self.resume
        bits = self.bits or depth(picture, self.path)
        image.write(picture, self.path, bits=bits, overwrite=replaceable, record=record, sources=self.inputs)

    def is_done(self, job: PaintJob) -> bool:
        if not self.resume or self._other_choices(job) != []:
            return False
        return (find_record(self.path) or {}).get("finished") is not False

    def check_size(self, height: int, width: int) -> None:
        image.check_size(self.path, height, width)

    def begin(self) -> Saving | None:
        if not self.save_every:
            return None
        if not self.resume:
            self.state.unlink(missing_ok=True)
        return Saving(self.state, self.save_every)

    def keep_step(self, progress: Progress, record: Callable[[Picture], Record]) -> None:
        if self.losses:
            add_losses(self.loss_file, progress)
        is_due = self.keep_steps and progress.step % self.save_every == 0 and progress.step < progress.total
        if is_due and progress.preview:
            picture = Picture(progress.preview())
            path = self.step(progress.step)
            image.write(picture, path, overwrite=True, record=record(picture), sources=self.inputs)

    def _other_choices(self, job: PaintJob) -> list[str] | None:
        """By what the painting of the job's content that lies here differs from the job, as flags; None if there is
        none."""
        record = find_record(self.path)
        if not record or record.get("content") != in_unicode(job.content.name):
            return None
        expected = in_unicode({
            "style": [style.name for style in job.styles], "mask": [mask.name for mask in job.masks],
            **job.options.to_json(),
        })  # fmt: skip
        options = record.get("options")
        found = {"style": record.get("style", []), "mask": record.get("masks", [])}
        found |= options if isinstance(options, dict) else {}
        names = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
        return ["--" + name.replace("_", "-") for name in names]

    def _check_steps(self) -> None:
        for path in (self.state, self.step(0)):
            check_output(path, overwrite=True, sources=self.inputs)
        if self.overwrite:
            return
        if self.state.exists() and not self.resume:
            raise PictureError(
                f"{self.state}: an unfinished painting lies there; go on with --resume, or begin anew with --overwrite"
            )
        for path in self.path.parent.glob(f"{escape(self.path.stem)}.step*.png"):
            if self.keep_steps and not (self.resume and find_record(path)):
                raise PictureError(f"{path}: a step of another painting lies there; --overwrite allows to replace it")


def add_losses(path: Path, progress: Progress) -> None:
    """A line of CSV for this step: its number, the size that is worked on, and every term of the loss with its weight.

    The first step begins the file anew; a painting that was resumed replaces what it had gone beyond its state. A
    method without terms leaves no file. Raises PictureError if it cannot be written.
    """
    if not progress.losses:
        return
    height, width = progress.size or (0, 0)
    losses = {name: f"{value:.6g}" for name, value in progress.losses.items()}
    row = {"step": progress.step, "height": height, "width": width} | losses
    line = ",".join(map(str, row.values()))
    try:
        before = _earlier_lines(path, progress.step)
        if before is None:
            with path.open("a", newline="") as file:
                file.write(f"{line}\n")
        else:
            replace_file(path, "\n".join([",".join(row), *before, line]) + "\n")
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {reason_of(error)}") from None


def _earlier_lines(path: Path, step: int) -> list[str] | None:
    """The lines of earlier steps where others follow them that must go; None where the next line can be added."""
    if step == 1 or not path.exists():
        return []
    lines = path.read_text().splitlines()[1:]
    if not lines or int(lines[-1].partition(",")[0]) < step:
        return None
    return [line for line in lines if int(line.partition(",")[0]) < step]
