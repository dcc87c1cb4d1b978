"""Pictures of libvips as files: PNG, JPEG, WebP, TIFF, with the record of how they were made and no other metadata."""

import io
import json
import pickle
import struct
import subprocess
import sys
from typing import Any, BinaryIO

from numpy.typing import NDArray

from impasto import png_chunks
from impasto import record as records
from impasto.errors import PictureError
from impasto.libvips import has_threads, image_of, library, pixels, reason_of
from impasto.record import Record

DEFLATE_LEVEL = 3
"""Of zlib, for PNG and TIFF. A painting of 12 megapixels, by adain, took at the levels 1, 3 and 6, as PNG,
21.6, 21.3 and 19.5 MB in 0.8, 1.1 and 2.3 s of a CPU; with 16 bits 35.9, 34.7 and 33.6 MB in 1.0, 1.8 and 6.2 s."""

QUALITY = 95

# A TIFF's offsets have 32 bits, unless it is one of the larger kind, which not every program reads.
_BIG_TIFF = 2**32 - 2**26
# Pixels above which programs are glad of a TIFF in tiles.
_TILED = 2**24

# Bytes of a JPEG's segment.
_LONGEST_SEGMENT = 2**16 - 3


def save(image: Any, file: BinaryIO, kind: str, record: Record | None) -> None:
    """Write a libvips image of 3 or 4 channels, 8 or 16 bits, in sRGB. file: empty, read and written and sought in.

    kind: of `gallery.FORMATS`. Raises PictureError for what the format cannot hold, OSError where the file cannot be
    written.
    """
    if not has_threads():
        _save_elsewhere(image, file, kind, record)
        return
    target = _Target(file)
    try:
        match kind:
            case "PNG":
                text = b"" if record is None else png_chunks.text_chunk(records.KEYWORD, records.to_text(record))
                target.insert(png_chunks.HEADER_END, png_chunks.chunk(b"sRGB", b"\0") + text)
                image.pngsave_target(target.custom, compression=DEFLATE_LEVEL, filter="up", keep="none")
            case "JPEG":
                target.insert(2, b"" if record is None else _segment(records.to_exif(record)))
                image.jpegsave_target(target.custom, Q=QUALITY, subsample_mode="off", keep="none")
            case "WebP":
                webp = image.webpsave_buffer(Q=QUALITY, exact=True, keep="none")
                file.write(webp if record is None else _with_exif(webp, image, records.to_exif(record)))
            case "TIFF":
                _save_tiff(image, target, None if record is None else records.to_description(record))
    except library().Error as error:
        if target.error is not None:
            raise target.error from None
        raise PictureError(f"it cannot be written as {kind}: {reason_of(error)}") from error


def _save_elsewhere(image: Any, file: BinaryIO, kind: str, record: Record | None) -> None:
    """The same by a process that has threads."""
    code = f"import pickle, sys; from {__name__} import _saved; _saved(*pickle.load(sys.stdin.buffer))"
    # What is no JSON is refused here.
    known = None if record is None else json.loads(records.to_text(record))
    given = pickle.dumps((pixels(image), image.interpretation, kind, known))
    done = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise PictureError(f"it cannot be written as {kind}: {done.stderr.decode(errors='replace').strip()[-200:]}")
    file.write(done.stdout)


def _saved(samples: NDArray[Any], interpretation: str, kind: str, record: Record | None) -> None:
    stream = io.BytesIO()
    save(image_of(samples, interpretation), stream, kind, record)
    sys.stdout.buffer.write(stream.getvalue())


def _save_tiff(image: Any, target: "_Target", description: str | None) -> None:
    if description is not None:
        image = image.copy()
        image.set_type(library().GValue.gstr_type, "image-description", description)
    pixels = image.width * image.height
    num_bytes = pixels * image.bands * (2 if image.format == "ushort" else 1)
    image.tiffsave_target(
        target.custom, compression="deflate", level=DEFLATE_LEVEL, predictor="horizontal",
        tile=pixels > _TILED, tile_width=256, tile_height=256, bigtiff=num_bytes > _BIG_TIFF,
        keep="other" if description is not None else "none",
    )  # fmt: skip


def _segment(exif: bytes) -> bytes:
    """A JPEG's segment APP1."""
    if len(exif) > _LONGEST_SEGMENT:
        raise PictureError(f"it cannot be written as JPEG: the record of how it was made has {len(exif):,} bytes")
    return b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif


def _with_exif(webp: bytes, image: Any, exif: bytes) -> bytes:
    """A WebP with EXIF behind it (RFC 9649, sections 2.7 and 2.7.1.5)."""
    body = webp[12:]
    if body[:4] != b"VP8X":
        sides = ((side - 1).to_bytes(3, "little") for side in (image.width, image.height))
        body = b"VP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"".join(sides) + body
    has_exif = 0x08
    body = body[:8] + bytes([body[8] | has_exif]) + body[9:]
    # WebP's readers expect TIFF's header at once.
    block = exif.removeprefix(b"Exif\0\0")
    body += b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


class _Target:
    """A file that libvips writes to, with something put in between.

    error: what kept the file from being written.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: BaseException | None = None
        self._place, self._insert, self._begun = 0, b"", b""
        self.custom = library().TargetCustom()
        self.custom.on_write(self._write)
        self.custom.on_read(file.read)
        self.custom.on_seek(file.seek)

    def insert(self, place: int, data: bytes) -> None:
        """Of what is written front to back, put these bytes behind the first ones."""
        self._place, self._insert = place, data

    def _write(self, data: Any) -> int:
        written = bytes(data)
        count = len(written)
        if self._insert:
            self._begun += written
            if len(self._begun) < self._place:
                return count
            written = self._begun[: self._place] + self._insert + self._begun[self._place :]
            self._insert = b""
        try:
            self._file.write(written)
        except BaseException as error:  # noqa: BLE001  (an error would not come through libvips)
            self.error = error
            return -1
        return count
