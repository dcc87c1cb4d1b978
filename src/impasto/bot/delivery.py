"""Paintings on their way to a user: photos and files, several photos as an album, buttons under the last message."""

from telegram import Bot, InputMediaPhoto, Message
from telegram.error import BadRequest

from impasto.bot import keyboards
from impasto.bot.conversation import Commission, settable, value_of
from impasto.bot.report import surely
from impasto.bot.sending import Painting, Way, size_of
from impasto.bot.texts import described, duration, say
from impasto.bot.troubles import PHOTO, Trouble
from impasto.service import Limits

_ALWAYS_SAID = ("strength", "colour")


class Delivery:
    """Of one commission. Photos of several are held back until they can go as an album, in their order; a single
    painting, until its buttons may be pressed.

    broken: numbers of the pictures, from 1, that could not be read.
    """

    def __init__(self, bot: Bot, user: int, language: str, commission: Commission, limits: Limits) -> None:
        self._bot, self._user, self._language = bot, user, language
        self._commission, self._limits = commission, limits
        self._several = len(commission.contents) > 1
        self._held: list[Painting] = []
        self._sent: Message | None = None
        self._count = 0
        self.broken: list[int] = []

    async def take(self, painting: Painting) -> bool:
        """Send it, or hold it back. Whether everything so far is with the user."""
        self._count += 1
        if painting.way is Way.PHOTO or not self._several:
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
            album = [InputMediaPhoto(one.data, filename=one.name) for one in held]
            await surely(lambda: self._bot.send_media_group(self._user, album))
        return bool(held)

    async def finish(self) -> int:
        """The message with the buttons. Raises Trouble if no picture could be read."""
        await self.flush()
        if not self._count and not self._commission.done:
            raise Trouble(PHOTO)
        if self._sent is None or self._several:
            # An album cannot have buttons.
            text = say(self._language, "painted-several", count=self._commission.done + self._count, **self._words())
            if self.broken:
                numbers = ", ".join(map(str, self.broken))
                text += "\n" + say(self._language, "broken-some", numbers=numbers)
            keyboard = keyboards.painted(self._language, self._commission.settings)
            self._sent = await surely(lambda: self._bot.send_message(self._user, text, reply_markup=keyboard))
        return self._sent.message_id

    async def _send(self, painting: Painting) -> Message:
        caption = None if self._several else self._caption(painting)
        keyboard = None if self._several else keyboards.painted(self._language, self._commission.settings)
        if painting.way is Way.PHOTO:
            try:
                return await surely(
                    lambda: self._bot.send_photo(
                        self._user, painting.data, caption=caption, reply_markup=keyboard, filename=painting.name
                    )
                )
            except BadRequest:
                # What Telegram does not take as a photo, it takes as a file.
                pass
        return await surely(
            lambda: self._bot.send_document(
                self._user, painting.data, caption=caption, reply_markup=keyboard, filename=painting.name,
                thumbnail=painting.thumbnail, disable_content_type_detection=True,
            )
        )  # fmt: skip

    def _caption(self, painting: Painting) -> str:
        width, height = size_of(painting.data)
        values = {"width": width, "height": height, "limit": duration(self._language, self._limits.job_seconds)}
        key = f"painted-{painting.note}" if painting.note else "painted"
        return say(self._language, key, **values, **self._words())

    def _words(self) -> dict[str, str]:
        chosen = self._commission.settings
        said = [name for name in settable(chosen) if name in _ALWAYS_SAID or name in chosen]
        style = self._commission.style
        return {
            "style": style if isinstance(style, str) else say(self._language, "your-style"),
            "settings": ", ".join(described(self._language, name, value_of(chosen, name)) for name in said),
        }
