"""What Telegram's Bot API takes and gives (https://core.telegram.org/bots/api), and what that means for a painting."""

import io
from dataclasses import dataclass
from enum import Enum

from impasto.decoding import read_shown
from impasto.record import opened
from impasto.service.limits import MEGA
from impasto.sizes import largest_side

DOWNLOAD_BYTES = 20 * MEGA
"""The largest file that getFile gives."""
PHOTO_BYTES, FILE_BYTES = 10 * MEGA, 50 * MEGA
"""The largest that sendPhoto and sendDocument take."""
PHOTO_SIDES, PHOTO_RATIO = 10_000, 20
"""Most pixels of width and height together, and of one for each of the other, of a photo."""
THUMBNAIL_SIDE = 320
"""Most pixels of the sides of a file's thumbnail."""


class Way(Enum):
    """How a painting is sent."""

    PHOTO = "photo"
    FILE = "file"
    NOT_AT_ALL = "not at all"


@dataclass(frozen=True)
class Painting:
    """A painting to send: a picture file, and its format. note: "smaller" than the photo, or "halfway" done."""

    data: bytes
    format: str
    way: Way
    note: str = ""

    @property
    def name(self) -> str:
        """Names of the user's files say things about people, so all paintings are called the same."""
        return f"painting.{'jpg' if self.format == 'jpeg' else self.format}"

    @property
    def thumbnail(self) -> bytes:
        """JPEG, which Telegram shows beside a file."""
        small = read_shown(self.data, side=THUMBNAIL_SIDE)
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=85)
        return stream.getvalue()


def way_of(data: bytes, *, as_file: bool) -> Way:
    """How Telegram takes it: as a photo unless it is wanted as a file, or is too large or too long for a photo."""
    if len(data) > FILE_BYTES:
        return Way.NOT_AT_ALL
    if as_file or len(data) > PHOTO_BYTES or not _is_photo(*size_of(data)):
        return Way.FILE
    return Way.PHOTO


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height) by the header. Raises PictureError."""
    with opened(data) as picture:
        return picture.size


def format_for(width: int, height: int, *, as_file: bool) -> str:
    """What a painting of this size is made as: files lose nothing, as long as Telegram takes what that may need."""
    # Noise hardly compresses, and 16 bits in a channel stay 16.
    return "png" if as_file and width * height * 6 < FILE_BYTES else "jpeg"


def fitting_size(width: int, height: int, megapixels: float) -> int | None:
    """The longer side of a painting of at most so many megapixels; None if the picture itself has no more."""
    most = megapixels * MEGA
    return None if width * height <= most else largest_side(height, width, most)


def _is_photo(width: int, height: int) -> bool:
    return width + height <= PHOTO_SIDES and max(width, height) <= PHOTO_RATIO * min(width, height)
