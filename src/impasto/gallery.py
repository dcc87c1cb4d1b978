"""What comes with impasto to choose from, and what a folder is searched for. Nothing here reads pixels."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

# Other files in a folder (notes, videos) are no mistake of its owner's.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")

GENERATORS: Mapping[str, str] = {"monet": "nla-cyclegan"}
"""Trained generators that come with impasto: {name: their method}. A is photographs, B paintings."""


def packaged() -> dict[str, Path]:
    """{name: file} of the pictures that come with impasto."""
    return {path.stem: path for path in sorted((_assets() / "pictures").glob("*.jpg"))}


def packaged_generators() -> dict[str, Path]:
    """{method: file} of the trained generators that come with impasto."""
    return {method: _assets() / f"{name}.safetensors" for name, method in GENERATORS.items()}


def is_picture(path: Path) -> bool:
    """Whether a folder's entry counts as a picture, by its name."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _assets() -> Path:
    return Path(str(files("impasto"))) / "assets"
