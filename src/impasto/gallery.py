"""What comes with impasto to choose from, and what a folder is searched for. Nothing here reads pixels."""

import json
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePath

from safetensors import safe_open

from impasto.errors import PictureError, suggestion

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".tiff": "TIFF"}
"""The formats that can be written, by suffix."""

# Of what can be read. Other files in a folder (notes, videos) are no mistake of its owner's.
SUFFIX_OF = {"jpeg": ".jpg", "tiff": ".tif"}
"""{format: its usual suffix, where that is another word}."""
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")

STYLE_SUFFIX = ".style.safetensors"
"""Of a file with one encoded style, as `impasto encode` writes it."""


PHOTOS = ("mountains", "still_life")
"""Of the pictures that come with impasto, those that are no paintings."""


def packaged() -> dict[str, Path]:
    """{name: file} of the pictures that come with impasto."""
    return {path.stem: path for path in sorted((_assets() / "pictures").glob("*.jpg"))}


def photos() -> dict[str, Path]:
    """{name: file} of those that show something to be painted."""
    return {name: file for name, file in packaged().items() if name in PHOTOS}


@dataclass(frozen=True)
class NamedStyle:
    """A painting that comes with impasto as an encoded style. year: as it is known, such as 'c. 1831'."""

    name: str
    title: str
    artist: str
    year: str

    @property
    def thumbnail(self) -> Path:
        """A small picture that impasto painted in this style."""
        return _assets() / "styles" / f"{self.name}.jpg"


def styles_file() -> Path:
    """The file of all named styles."""
    return _assets() / "styles.safetensors"


@cache
def named_styles() -> Mapping[str, NamedStyle]:
    """{name: style} of the paintings that come with impasto encoded."""
    # Not impasto.weights, which imports PyTorch.
    with safe_open(styles_file(), framework="numpy") as file:
        about = json.loads(file.metadata()["impasto"])["styles"]
    return {one["name"]: NamedStyle(**one) for one in about}


def own_styles() -> dict[str, Path]:
    """{name: file} of all styles that come with impasto: pictures, and after them encoded ones, which share a file."""
    return packaged() | dict.fromkeys(named_styles(), styles_file())


def style_file(word: str) -> Path:
    """The file that holds the style that a word means: a file of this path, or else one of impasto's own.

    Raises PictureError, with the name that was perhaps meant, if there is neither.
    """
    path = Path(word)
    # What no path can be is refused, in better words, where it is read.
    if path.is_file() or "\0" in word:
        return path
    styles = own_styles()
    if word in styles:
        return styles[word]
    if path.exists():
        return path
    hint = style_suggestion(word, styles, otherwise="; `impasto styles` lists those that come with impasto")
    raise PictureError(f"{word}: there is no such file{hint}")


def style_suggestion(word: str, names: Collection[str], *, otherwise: str = "") -> str:
    """The end of an error about a word that is none of the names of styles: the one that was probably meant, or those,
    by name, title or painter; `otherwise` if none is like it."""
    meant: dict[str, list[str]] = {}
    for style in named_styles().values():
        title, artist = _plain(style.title), _plain(style.artist).split("-")
        of_artist = ("-".join(artist[first:]) for first in range(len(artist)))
        for key in {title, title.removeprefix("the-"), *of_artist} if style.name in names else ():
            meant.setdefault(key, []).append(style.name)
    if near := get_close_matches(_plain(word), meant, n=1, cutoff=0.8):
        return f"; did you mean {' or '.join(repr(name) for name in meant[near[0]])}?"
    return suggestion(word, names, otherwise=otherwise)


def _plain(text: str) -> str:
    """'Impression, Sunrise' -> 'impression-sunrise'."""
    return "-".join(re.findall(r"\w+", text.lower()))


def is_encoded(file: Path) -> bool:
    """Whether a style's file holds what a network saw of the painting, and not the painting itself."""
    return file.name.endswith(STYLE_SUFFIX) or file == styles_file()


def shown(name: str, file: Path) -> Path:
    """The picture that a style is shown by: itself, or, of a named one, what impasto painted in it."""
    return named_styles()[name].thumbnail if file == styles_file() else file


def shipped_weights(name: str) -> Path:
    """The file of weights of this name that comes with impasto."""
    return _assets() / f"{name}.safetensors"


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
