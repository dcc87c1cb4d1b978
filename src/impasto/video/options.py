"""What can be chosen about a film besides how its pictures are painted. Nothing here needs PyTorch or PyAV."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from impasto.errors import OptionError
from impasto.options import Checked, option

# File suffixes of what can be written besides folders of frames.
FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
ANIMATIONS = (".gif", ".webp", ".apng")

CODECS = ("h264", "h265", "av1", "prores")


@dataclass(frozen=True, kw_only=True)
class VideoOptions(Checked):
    """Which part of a film, how steadily and to what kind of file."""

    steady: float = option(
        0.8, "how much of the last frame stays where nothing but motion happened; 0 paints frame by frame",
        minimum=0, maximum=1,
    )  # fmt: skip
    start: str | None = option(None, "where to begin: seconds, or 1:02.5", unit="time")
    end: str | None = option(None, "where to end: seconds, or 1:02.5", unit="time")
    fps: float | None = option(
        None, "frames a second; every frame at its own time if not given", minimum=0.01, maximum=1000
    )
    codec: str | None = option(
        None, "how the file is encoded; h264 if not given, in .webm av1", choices=CODECS
    )  # fmt: skip
    video_quality: int | None = option(
        None, "of the encoding, not of the painting; 75 if not given", minimum=1, maximum=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end is not None and self.seconds("end") <= self.seconds("start"):
            raise OptionError(f"end is {self.end}, but must come after start")

    def seconds(self, name: str) -> Fraction:
        """The option start or end in seconds; 0 if it is not given."""
        text = getattr(self, name)
        if text is None:
            return Fraction(0)
        parts = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)", text.strip())
        if not parts:
            raise OptionError(f"{name} is '{text}', but must be seconds, or minutes and seconds such as 1:02.5")
        hours, minutes, seconds = (Fraction(part or 0) for part in parts.groups())
        if (parts[2] and seconds >= 60) or (parts[1] and minutes >= 60):
            raise OptionError(f"{name} is '{text}', but of an hour there are 60 minutes, and of a minute 60 seconds")
        return hours * 3600 + minutes * 60 + seconds

    def check_output(self, path: Path) -> None:
        """Raises OptionError if no such file can be written with these options."""
        suffix = suffix_of(path)
        if suffix and suffix not in FILMS + ANIMATIONS:
            known = ", ".join(FILMS + ANIMATIONS)
            raise OptionError(f"{path}: {suffix} is no format to write; known are {known}, and folders of frames")
        if suffix in FILMS:
            if suffix == ".webm" and self.codec not in (None, "av1"):
                raise OptionError(f"codec is '{self.codec}', but a .webm holds av1")
            if self.codec == "prores" and suffix not in (".mov", ".mkv"):
                raise OptionError(f"codec is 'prores', which {suffix} cannot hold; name the file .mov or .mkv")
            return
        what = f"a {suffix}" if suffix else "a folder of frames"
        if self.codec is not None:
            raise OptionError(f"codec is '{self.codec}', but {what} has one of its own")
        if self.video_quality is not None and suffix != ".webp":
            raise OptionError(f"video_quality is {self.video_quality}, but {what} has none")


def suffix_of(path: Path) -> str:
    """'.mp4', for one; '' of a folder of frames, which is what has no suffix, or is a folder already."""
    return "" if path.is_dir() else path.suffix.lower()
