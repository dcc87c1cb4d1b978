"""What comes with impasto to choose from, and what a folder is searched for. Nothing here reads pixels."""

import stat
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path, PurePath

# Other files in a folder (notes, videos) are no mistake of its owner's.
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")

GENERATORS: Mapping[str, str] = {"monet": "nla-cyclegan"}
"""Trained generators that come with impasto: {name: their method}. A is photographs, B paintings."""


def packaged() -> dict[str, Path]:
    """{name: file} of the pictures that come with impasto."""
    return {path.stem: path for path in sorted((_assets() / "pictures").glob("*.jpg"))}


def packaged_generators() -> dict[str, Path]:
    """{method: file} of the trained generators that come with impasto."""
    return {method: _assets() / f"{name}.safetensors" for name, method in GENERATORS.items()}


def is_picture(path: Path) -> bool:
    """Whether a folder's entry counts as a picture: a file, by its name, of which nothing has been read."""
    if not is_picture_name(path):
        return False
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True  # Whoever reads it says what is wrong with it.


def is_picture_name(path: PurePath) -> bool:
    """Whether a name is that of a picture. Hidden ones are not meant; macOS keeps `._NAME` beside a file."""
    return path.suffix.lower() in SUFFIXES and not is_hidden(path.name)


def is_hidden(name: str) -> bool:
    """Whether a file or a folder is one that file managers do not show."""
    return name.startswith(".")


def _assets() -> Path:
    return Path(str(files("impasto"))) / "assets"
