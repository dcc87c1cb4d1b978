"""Paintings on their way to a user, as Telegram's Bot API takes them (https://core.telegram.org/bots/api)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from telegram import Bot, InputMediaPhoto, Message
from telegram.error import BadRequest

from impasto.bot import keyboards
from impasto.bot.conversation import Order, settable, setting_value
from impasto.bot.messages import BROKEN_PHOTO, FILE_BYTES, OrderFailed, with_retries
from impasto.bot.texts import described, duration, say
from impasto.decoding import read_shown
from impasto.record import opened
from impasto.report.sheets import jpeg, reduced
from impasto.service.job import JobResult
from impasto.service.limits import MEGA
from impasto.sizes import largest_side

PHOTO_BYTES = 10 * MEGA
"""The largest that sendPhoto takes."""
PHOTO_SIDES, PHOTO_RATIO = 10_000, 20
"""Most pixels of width and height together, and of one for each of the other, of a photo."""
FILM_NAME = "painting.mp4"
THUMBNAIL_SIDE = 320
"""Most pixels of the sides of a file's thumbnail."""

_ALWAYS_NAMED = ("strength", "colour")


@dataclass(frozen=True)
class Finished:
    """A painting or a painted film to send. kind: of Telegram's: "photo", "document", "video", "animation" or
    "video_note". size: (width, height). note: "smaller" than the photo, or "halfway" done after `limit` seconds."""

    data: bytes
    kind: str
    name: str
    size: tuple[int, int]
    note: str
    limit: float

    @property
    def thumbnail(self) -> bytes | None:
        """JPEG, which Telegram shows beside a file; none of a film."""
        if self.name == FILM_NAME:
            return None
        return jpeg(reduced(read_shown(self.data, side=THUMBNAIL_SIDE), THUMBNAIL_SIDE), 85)


def finished_painting(data: bytes, format: str, note: str, limit: float, *, as_file: bool) -> Finished:  # noqa: A002
    """To be sent as a photo, unless it is wanted as a file, or is too large or too long for a photo."""
    with opened(data) as picture:
        width, height = picture.size
    is_photo = width + height <= PHOTO_SIDES and max(width, height) <= PHOTO_RATIO * min(width, height)
    kind = "photo" if is_photo and not as_file and len(data) <= PHOTO_BYTES else "document"
    # Names of the user's files say things about people, so all paintings are called the same.
    name = f"painting.{'jpg' if format == 'jpeg' else format}"
    return Finished(data, kind, name, (width, height), note, limit)


def finished_film(data: bytes, video: str, size: tuple[int, int], note: str, limit: float) -> Finished:
    """To be sent back as the clip was sent, a `SentPicture.video`. size: (height, width) that was asked for."""
    # Colours are stored for pairs of pixels.
    height, width = (max(2, side - side % 2) for side in size)
    kind = "document" if video == "file" else "video" if video == "video_note" and width != height else video
    return Finished(data, kind, FILM_NAME, (width, height), note, limit)


class Delivery:
    """Of one order. Photos of several are held back until they can go as an album, in their order; a single
    painting, until its buttons may be pressed.

    broken: numbers of the pictures, from 1, that could not be read.
    """

    def __init__(self, bot: Bot, user: int, language: str, order: Order) -> None:
        self._bot, self._user, self._language, self._order = bot, user, language, order
        self._is_album = len(order.contents) > 1
        self._held: list[Finished] = []
        self._sent: Message | None = None
        self._count = 0
        self.broken: list[int] = []

    async def add(self, painting: Finished) -> bool:
        """Send it, or hold it back. Whether everything so far is with the user."""
        self._count += 1
        if painting.kind == "photo" or not self._is_album:
            self._held.append(painting)
            return False
        await self.flush()
        await self._send(painting)
        return True

    async def flush(self) -> bool:
        """Send what is held back. Whether there was something."""
        held, self._held = self._held, []
        if len(held) == 1:
            self._sent = await self._send(held[0])
        elif held:
            album = [InputMediaPhoto(painting.data, filename=painting.name) for painting in held]
            await with_retries(lambda: self._bot.send_media_group(self._user, album))
        return bool(held)

    async def finish(self) -> int:
        """The message with the buttons. Raises OrderFailed if no picture could be read."""
        await self.flush()
        if not self._count and not self._order.done:
            raise OrderFailed(BROKEN_PHOTO)
        if self._sent is None or self._is_album:
            # An album cannot have buttons.
            text = say(self._language, "painted-several", count=self._order.done + self._count, **self._description())
            if self.broken:
                numbers = ", ".join(map(str, self.broken))
                text += "\n" + say(self._language, "broken-some", numbers=numbers)
            keyboard = keyboards.painted(self._language, self._order.settings)
            self._sent = await with_retries(lambda: self._bot.send_message(self._user, text, reply_markup=keyboard))
        return self._sent.message_id

    async def _send(self, painting: Finished) -> Message:
        try:
            return await self._send_as(painting.kind, painting)
        except BadRequest:
            if painting.kind != "photo":
                raise
            # What Telegram does not take as a photo, it takes as a file.
            return await self._send_as("document", painting)

    async def _send_as(self, kind: str, painting: Finished) -> Message:
        """Raises what Telegram refuses, and OrderFailed."""
        width, height = painting.size
        how: dict[str, Any] = {"filename": painting.name}
        if not self._is_album:
            how["caption"] = self._caption(painting)
            how["reply_markup"] = keyboards.painted(self._language, self._order.settings)
        match kind:
            case "document":
                how |= {"thumbnail": painting.thumbnail, "disable_content_type_detection": True}
            case "video":
                how |= {"width": width, "height": height, "supports_streaming": True}
            case "animation":
                how |= {"width": width, "height": height}
            case "video_note":
                how.pop("caption", None)
                how["length"] = width
        send: Callable[..., Awaitable[Message]] = getattr(self._bot, f"send_{kind}")
        return await with_retries(lambda: send(self._user, painting.data, **how))

    def _caption(self, painting: Finished) -> str:
        width, height = painting.size
        limit = duration(self._language, painting.limit)
        values = {"width": width, "height": height, "limit": limit}
        key = f"painted-{painting.note}" if painting.note else "painted"
        return say(self._language, key, **values, **self._description())

    def _description(self) -> dict[str, str]:
        chosen = self._order.settings
        others = [name for name in settable(chosen) if name in chosen and name not in _ALWAYS_NAMED]
        named = [name for name in (*_ALWAYS_NAMED, *others) if name in settable(chosen)]
        style = self._order.style
        return {
            "style": style if isinstance(style, str) else say(self._language, "your-style"),
            "settings": ", ".join(described(self._language, name, setting_value(chosen, name)) for name in named),
        }


def sendable(result: JobResult) -> bytes:
    """The file. Raises OrderFailed for a larger one than Telegram takes."""
    if (len(result.data) if result.path is None else result.path.stat().st_size) > FILE_BYTES:
        raise OrderFailed("too-large-result")
    return result.data if result.path is None else result.path.read_bytes()


def format_for(width: int, height: int, *, as_file: bool) -> str:
    """What a painting of this size is made as: files lose nothing, as long as Telegram takes what that may need."""
    # Noise hardly compresses, and 16 bits in a channel stay 16.
    return "png" if as_file and width * height * 6 < FILE_BYTES else "jpeg"


def fitting_size(width: int, height: int, megapixels: float) -> int | None:
    """The longer side of a painting of at most so many megapixels; None if the picture itself has no more."""
    most = megapixels * MEGA
    return None if width * height <= most else largest_side(height, width, most)
