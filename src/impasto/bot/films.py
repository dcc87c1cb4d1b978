"""Clips that users send, and what Telegram takes of those that are painted."""

from pathlib import Path

from telegram import Message

from impasto.bot.conversation import SentPicture
from impasto.bot.messages import DOWNLOAD_BYTES, FILE_BYTES, OrderFailed, from_refusal
from impasto.bot.sending import FinishedFilm
from impasto.errors import ImpastoError, OptionError
from impasto.service import Limits, SentVideo
from impasto.service.refusals import RefusedError
from impasto.sizes import fit


def clip_of(message: Message) -> SentPicture | None:
    """The clip that a message holds, if it does."""
    document = message.document
    for kind, clip in (
        # Of an animation there is a document, too.
        ("animation", message.animation), ("video", message.video), ("video_note", message.video_note),
        ("file", document if document and (document.mime_type or "").startswith("video/") else None),
    ):  # fmt: skip
        if clip is not None:
            # Of a document, Telegram does not say how long it is.
            length = getattr(clip, "duration", 0)
            seconds = length if isinstance(length, int | float) else length.total_seconds()
            return SentPicture(clip.file_id, clip.file_size or 0, kind == "file", kind, float(seconds))
    return None


def check_clip(clip: SentPicture, limits: Limits) -> None:
    """By what Telegram says of it, before a byte is fetched. Raises OrderFailed."""
    if clip.num_bytes > DOWNLOAD_BYTES:
        raise OrderFailed("too-large-clip")
    if clip.seconds > limits.video_seconds + 1:
        raise OrderFailed("too-long")


def film_failed(error: ImpastoError) -> OrderFailed:
    """What the service's films or `Service.submit` raised about a clip."""
    if isinstance(error, RefusedError) and error.code == "too-large":
        return OrderFailed("too-large-film")
    if isinstance(error, OptionError):
        return OrderFailed("needs-painting")
    return from_refusal(error)


def finished_film(path: Path, clip: SentPicture, about: SentVideo, size: int, note: str) -> FinishedFilm:
    """A painted film, if Telegram takes it. Raises OrderFailed."""
    if path.stat().st_size > FILE_BYTES:
        raise OrderFailed("too-large-result")
    height, width = fit(about.height, about.width, size)
    # Colours are stored for pairs of pixels.
    shown = max(2, width - width % 2), max(2, height - height % 2)
    kind = clip.video
    if kind == "video_note" and shown[0] != shown[1]:
        kind = "video"
    smaller = "smaller" if size < max(about.height, about.width) else ""
    return FinishedFilm(path.read_bytes(), kind, shown, note or smaller)
