"""Paintings on their way to a user, as Telegram's Bot API takes them (https://core.telegram.org/bots/api)."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from telegram import Bot, InlineKeyboardMarkup, InputMediaPhoto, Message
from telegram.error import BadRequest

from impasto.bot import keyboards
from impasto.bot.conversation import Order, settable, setting_value
from impasto.bot.messages import BROKEN_PHOTO, FILE_BYTES, OrderFailed, with_retries
from impasto.bot.texts import described, duration, say
from impasto.decoding import read_shown
from impasto.record import opened
from impasto.report.sheets import jpeg, reduced
from impasto.service import Limits
from impasto.service.limits import MEGA
from impasto.sizes import largest_side

PHOTO_BYTES = 10 * MEGA
"""The largest that sendPhoto takes."""
PHOTO_SIDES, PHOTO_RATIO = 10_000, 20
"""Most pixels of width and height together, and of one for each of the other, of a photo."""
FILM_NAME = "painting.mp4"
"""Names of the user's files say things about people, so all painted films are called the same."""
THUMBNAIL_SIDE = 320
"""Most pixels of the sides of a file's thumbnail."""

_ALWAYS_NAMED = ("strength", "colour")


class SendAs(Enum):
    """How a painting is sent."""

    PHOTO = "photo"
    FILE = "file"
    NOT_AT_ALL = "not at all"


@dataclass(frozen=True)
class FinishedPainting:
    """A painting to send: a picture file, and its format. note: "smaller" than the photo, or "halfway" done."""

    data: bytes
    format: str
    send_as: SendAs
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return size_of(self.data)

    def seconds(self, limits: Limits) -> float:
        """That painting it may have taken."""
        return limits.job_seconds

    @property
    def name(self) -> str:
        """Names of the user's files say things about people, so all paintings are called the same."""
        return f"painting.{'jpg' if self.format == 'jpeg' else self.format}"

    @property
    def thumbnail(self) -> bytes:
        """JPEG, which Telegram shows beside a file."""
        return jpeg(reduced(read_shown(self.data, side=THUMBNAIL_SIDE), THUMBNAIL_SIDE), 85)


@dataclass(frozen=True)
class FinishedFilm:
    """A painted clip. kind: how it was sent, and goes back. note: as of a painting."""

    data: bytes
    kind: str
    size: tuple[int, int]
    note: str = ""

    # An album of Telegram's cannot hold all kinds of clips.
    send_as = SendAs.FILE

    def seconds(self, limits: Limits) -> float:
        """That painting it may have taken."""
        return limits.video_job_seconds

    async def send(self, bot: Bot, user: int, caption: str | None, keyboard: InlineKeyboardMarkup | None) -> Message:
        """Raises what Telegram refuses, and OrderFailed."""
        width, height = self.size
        how: dict[str, Any] = {"reply_markup": keyboard, "filename": FILM_NAME}
        if self.kind == "video_note":
            return await with_retries(lambda: bot.send_video_note(user, self.data, length=width, **how))
        how["caption"] = caption
        if self.kind == "video":
            how |= {"width": width, "height": height, "supports_streaming": True}
            return await with_retries(lambda: bot.send_video(user, self.data, **how))
        if self.kind == "animation":
            return await with_retries(lambda: bot.send_animation(user, self.data, width=width, height=height, **how))
        how["disable_content_type_detection"] = True
        return await with_retries(lambda: bot.send_document(user, self.data, **how))


class Delivery:
    """Of one order. Photos of several are held back until they can go as an album, in their order; a single
    painting, until its buttons may be pressed.

    broken: numbers of the pictures, from 1, that could not be read.
    """

    def __init__(self, bot: Bot, user: int, language: str, order: Order, limits: Limits) -> None:
        self._bot, self._user, self._language = bot, user, language
        self._order, self._limits = order, limits
        self._is_album = len(order.contents) > 1
        self._held: list[FinishedPainting | FinishedFilm] = []
        self._sent: Message | None = None
        self._count = 0
        self.broken: list[int] = []

    async def add(self, painting: FinishedPainting | FinishedFilm) -> bool:
        """Send it, or hold it back. Whether everything so far is with the user."""
        self._count += 1
        if painting.send_as is SendAs.PHOTO or not self._is_album:
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
            album = [
                InputMediaPhoto(painting.data, filename=painting.name)
                for painting in held
                if isinstance(painting, FinishedPainting)
            ]
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

    async def _send(self, painting: FinishedPainting | FinishedFilm) -> Message:
        caption = None if self._is_album else self._caption(painting)
        keyboard = None if self._is_album else keyboards.painted(self._language, self._order.settings)
        if not isinstance(painting, FinishedPainting):
            return await painting.send(self._bot, self._user, caption, keyboard)
        if painting.send_as is SendAs.PHOTO:
            try:
                return await with_retries(
                    lambda: self._bot.send_photo(
                        self._user, painting.data, caption=caption, reply_markup=keyboard, filename=painting.name
                    )
                )
            except BadRequest:
                # What Telegram does not take as a photo, it takes as a file.
                pass
        return await with_retries(
            lambda: self._bot.send_document(
                self._user, painting.data, caption=caption, reply_markup=keyboard, filename=painting.name,
                thumbnail=painting.thumbnail, disable_content_type_detection=True,
            )
        )  # fmt: skip

    def _caption(self, painting: FinishedPainting | FinishedFilm) -> str:
        width, height = painting.size
        limit = duration(self._language, painting.seconds(self._limits))
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


def send_as(data: bytes, *, as_file: bool) -> SendAs:
    """How Telegram takes it: as a photo unless it is wanted as a file, or is too large or too long for a photo."""
    if len(data) > FILE_BYTES:
        return SendAs.NOT_AT_ALL
    if as_file or len(data) > PHOTO_BYTES or not _is_photo(*size_of(data)):
        return SendAs.FILE
    return SendAs.PHOTO


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
