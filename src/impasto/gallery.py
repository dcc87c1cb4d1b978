"""The pictures that come with impasto, and what a folder is searched for. Nothing here reads pixels."""

from importlib.resources import files
from pathlib import Path

# Other files in a folder (notes, videos) are no mistake of its owner's.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")


def packaged() -> dict[str, Path]:
    """{name: file} of the pictures that come with impasto."""
    folder = Path(str(files("impasto"))) / "assets" / "pictures"
    return {path.stem: path for path in sorted(folder.glob("*.jpg"))}


def is_picture(path: Path) -> bool:
    """Whether a folder's entry counts as a picture, by its name."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()
