"""What the bot answers to what its users say."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from telegram import CallbackQuery, InlineKeyboardMarkup, InputMediaPhoto, Message, Update
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest, Forbidden
from telegram.ext import (
    ApplicationHandlerStop,
    CallbackContext,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from impasto.bot import keyboards
from impasto.bot.config import BotConfig
from impasto.bot.conversation import (
    Conversation,
    Conversations,
    Order,
    SentPicture,
    setting_value,
    with_setting,
)
from impasto.bot.films import clip_of
from impasto.bot.keyboards import StyleGallery
from impasto.bot.orders import AnyApplication, Orders
from impasto.bot.texts import STYLE_WORDS, duration, has_words, language_of, say
from impasto.methods import options_of
from impasto.options import choosable

logger = logging.getLogger("impasto.bot")

COMMANDS = ("start", "styles", "settings", "cancel", "help", "privacy")

_PRIVATE = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
_CLIPS = filters.VIDEO | filters.ANIMATION | filters.VIDEO_NOTE | filters.Document.VIDEO
_PICTURES = filters.PHOTO | (filters.Document.IMAGE & ~filters.ANIMATION)

Context = CallbackContext[Any, Any, Any, Any]


class Handlers:
    """Of all updates, for all users."""

    def __init__(
        self, application: AnyApplication, orders: Orders, gallery: StyleGallery, conversations: Conversations,
        config: BotConfig,
    ) -> None:  # fmt: skip
        self._application, self._bot, self._orders = application, application.bot, orders
        self._gallery, self._conversations = gallery, conversations
        self._options, self._allowed = config.options, frozenset(config.allowed)
        self._albums: dict[int, asyncio.Task[None]] = {}
        self._register()

    def _register(self) -> None:
        add = self._application.add_handler
        add(TypeHandler(Update, self._check_user), group=-1)
        add(ChatMemberHandler(self._on_membership, ChatMemberHandler.MY_CHAT_MEMBER))
        add(CallbackQueryHandler(self._on_button))
        add(CommandHandler("start", self._on_group, filters=~filters.ChatType.PRIVATE))
        answers = {
            "start": self._on_start, "help": self._on_start, "styles": self._on_styles,
            "settings": self._on_settings, "cancel": self._on_cancel, "privacy": self._on_privacy,
        }  # fmt: skip
        for name in COMMANDS:
            add(CommandHandler(name, answers[name], filters=_PRIVATE))
        add(
            MessageHandler(_PRIVATE & (_PICTURES | _CLIPS if self._orders.takes_films else _PICTURES), self._on_picture)
        )
        add(MessageHandler(_PRIVATE & ~filters.StatusUpdate.ALL, self._on_other))
        self._application.add_error_handler(self._on_error)

    async def resume(self) -> None:
        """Go on with what was interrupted when the bot ended the last time."""
        await self._orders.resume()
        for user, conversation in self._conversations.items():
            if conversation.album:
                self._wait_for_album(user)

    def close(self) -> None:
        """Wait for albums no longer; those that may be complete are remembered."""
        for task in self._albums.values():
            task.cancel()

    # --- before all else ----------------------------------------------------------------------------------------------

    async def _check_user(self, update: Update, context: Context) -> None:
        user = update.effective_user
        if user is None:
            raise ApplicationHandlerStop
        conversation = self._conversations[user.id]
        conversation.language = language_of(user.language_code)
        if not conversation.note_update(update.update_id):
            # Telegram delivers again what was not confirmed before the bot was killed.
            raise ApplicationHandlerStop
        if self._allowed and user.id not in self._allowed:
            self._conversations.forget(user.id)
            if update.message and update.message.chat.id == user.id:
                await update.message.reply_text(say(language_of(user.language_code), "not-allowed", number=user.id))
            raise ApplicationHandlerStop

    async def _on_membership(self, update: Update, context: Context) -> None:
        """Who blocks the bot is forgotten."""
        change, user = update.my_chat_member, update.effective_user
        if change and user and change.chat.id == user.id and change.new_chat_member.status == ChatMemberStatus.BANNED:
            await self._forget(user.id)

    async def _on_error(self, update: object, context: Context) -> None:
        if isinstance(context.error, Forbidden):
            return
        logger.error("an update could not be dealt with", exc_info=context.error)
        if isinstance(update, Update) and update.effective_chat and update.effective_user:
            with contextlib.suppress(Exception):
                text = say(language_of(update.effective_user.language_code), "broken")
                await context.bot.send_message(update.effective_user.id, text)

    # --- commands -----------------------------------------------------------------------------------------------------

    async def _on_group(self, update: Update, context: Context) -> None:
        await _answer(update, say(self._user(update)[1].language, "only-private"))

    async def _on_start(self, update: Update, context: Context) -> None:
        text = update.message.text if update.message and update.message.text else ""
        language = self._user(update)[1].language
        if not text.startswith("/help"):
            said = say(language, "start")
        elif self._orders.takes_films:
            said = f"{say(language, 'help')}\n\n{say(language, 'films')}"
        else:
            said = say(language, "help")
        await _answer(update, said)

    async def _on_styles(self, update: Update, context: Context) -> None:
        user, conversation = self._user(update)
        await self._show_styles(user, say(conversation.language, "which-style" if conversation.contents else "styles"))

    async def _on_settings(self, update: Update, context: Context) -> None:
        _, conversation = self._user(update)
        keyboard = keyboards.settings(conversation.language, conversation.settings)
        await _answer(update, _explained(conversation), keyboard)

    async def _on_cancel(self, update: Update, context: Context) -> None:
        user, conversation = self._user(update)
        await self._orders.cancel(user)
        self._stop_waiting_for(user)
        conversation.forget_pictures()
        await _answer(update, say(conversation.language, "cancelled-all"))

    async def _on_privacy(self, update: Update, context: Context) -> None:
        language = self._user(update)[1].language
        text = say(language, "privacy", hours=duration(language, 3600 * self._options.keep_hours))
        if self._orders.takes_films:
            text = f"{text} {say(language, 'privacy-films')}"
        await _answer(update, text, keyboards.single(language, "forget-all", keyboards.FORGET))

    # --- pictures -----------------------------------------------------------------------------------------------------

    async def _on_picture(self, update: Update, context: Context) -> None:
        message, (user, conversation) = update.message, self._user(update)
        assert message is not None
        picture, caption = _picture(message), message.caption or ""
        if message.media_group_id is None:
            await self._take(user, [(picture, caption)])
            return
        if conversation.album and conversation.album_id != message.media_group_id:
            await self._take_album(user)
        conversation.album_id = message.media_group_id
        conversation.album = (*conversation.album, (picture, caption))
        self._wait_for_album(user)

    def _wait_for_album(self, user: int) -> None:
        """Pictures of an album arrive one by one, and nothing says which is the last."""
        self._stop_waiting_for(user)
        # One of python-telegram-bot's tasks complains if it is cancelled before it has begun.
        self._albums[user] = asyncio.create_task(self._take_album_later(user))

    def _stop_waiting_for(self, user: int) -> None:
        if (task := self._albums.pop(user, None)) is not None:
            task.cancel()

    async def _take_album_later(self, user: int) -> None:
        await asyncio.sleep(self._options.album_seconds)
        async with self._conversations.lock(user):
            self._albums.pop(user, None)
            try:
                await self._take_album(user)
            except Exception:
                logger.exception("an album could not be dealt with")
            self._conversations.save(user)

    async def _take_album(self, user: int) -> None:
        conversation = self._conversations[user]
        pictures, conversation.album, conversation.album_id = conversation.album, (), ""
        if pictures:
            await self._take(user, pictures)

    async def _take(self, user: int, pictures: Sequence[tuple[SentPicture, str]]) -> None:
        """Pictures that came together, each with its caption."""
        conversation = self._conversations[user]
        # A clip is never the style.
        style = next(
            (picture for picture, caption in pictures if caption.strip().lower() in STYLE_WORDS and not picture.video),
            None,
        )
        named = next(filter(None, (self._gallery.by_words(caption) for _, caption in pictures)), None)
        contents = tuple(picture for picture, _ in pictures if picture is not style)
        if style is not None:
            conversation.style, conversation.contents = style, contents or conversation.contents
        elif named is not None:
            conversation.style, conversation.contents = named, contents
        elif any(picture.video for picture in contents):
            conversation.contents = contents
        elif len(pictures) == 1 and conversation.contents and conversation.style is None:
            conversation.style = contents[0]
        elif len(pictures) == 2 and conversation.style is None:
            conversation.contents = contents
            text = say(conversation.language, "which-is-which")
            await self._bot.send_message(user, text, reply_markup=keyboards.roles(conversation.language))
            return
        else:
            conversation.contents = contents
        await self._next(user)

    async def _next(self, user: int) -> Order | None:
        """Paint, or ask for what is missing."""
        conversation = self._conversations[user]
        if (order := conversation.take_order()) is not None:
            await self._orders.begin(user, order)
        elif len(conversation.contents) > 1:
            await self._show_styles(
                user, say(conversation.language, "which-style-many", count=len(conversation.contents))
            )
        elif conversation.contents:
            await self._show_styles(user, say(conversation.language, "which-style"))
        else:
            await self._bot.send_message(user, say(conversation.language, "which-photo"))
        return order

    async def _show_styles(self, user: int, text: str) -> None:
        bot, keyboard = self._bot, keyboards.styles(self._gallery, 0)
        picture = await self._page(0)
        sent = await bot.send_photo(user, picture, caption=text, reply_markup=keyboard)
        if sent.photo:
            self._gallery.file_ids[0] = sent.photo[-1].file_id

    async def _page(self, page: int) -> str | bytes:
        """A page of the gallery: Telegram's name of it, if it has been sent before."""
        if (file_id := self._gallery.file_ids.get(page)) is not None:
            return file_id
        return await asyncio.to_thread(self._gallery.picture, page)

    async def _on_other(self, update: Update, context: Context) -> None:
        message, (user, conversation) = update.message, self._user(update)
        assert message is not None
        if message.text and (name := self._gallery.by_words(message.text)):
            conversation.style = name
            await self._next(user)
            return
        if message.text:
            key = "not-text"
        elif message.sticker:
            key = "not-sticker"
        else:
            is_video = message.animation or message.video or message.video_note
            key = "not-video" if is_video else "not-picture"
        await _answer(update, say(conversation.language, key))

    # --- buttons ------------------------------------------------------------------------------------------------------

    async def _on_button(self, update: Update, context: Context) -> None:
        query, (user, conversation) = update.callback_query, self._user(update)
        assert query is not None
        with contextlib.suppress(BadRequest):
            # Telegram takes an answer only for a while, and nobody waits for it any longer than that.
            await query.answer()
        if query.message is None:
            return
        message = query.message.message_id
        word, _, rest = (query.data or "").partition(":")
        match word:
            case keyboards.STYLE:
                await self._on_style(user, conversation, message, rest)
            case keyboards.PAGE if rest.isdecimal() and int(rest) < self._gallery.pages:
                await self._turn_page(query, int(rest))
            case keyboards.ROLE:
                await self._on_role(user, conversation, query, rest)
            case keyboards.CANCEL:
                await self._orders.cancel(user, message)
            case keyboards.RETRY | keyboards.AGAIN:
                await self._on_again(user, conversation, query, rest)
            case keyboards.SET if (choice := keyboards.choice(conversation.settings, rest)) is not None:
                conversation.settings = with_setting(conversation.settings, *choice)
                with contextlib.suppress(BadRequest):
                    await query.edit_message_reply_markup(
                        keyboards.settings(conversation.language, conversation.settings)
                    )
            case keyboards.FORGET:
                language = conversation.language
                await self._forget(user)
                await self._bot.send_message(user, say(language, "forgotten-all"))

    async def _on_style(self, user: int, conversation: Conversation, message: int, key: str) -> None:
        name = self._gallery.by_key(key)
        if name is None:
            await self._bot.send_message(user, say(conversation.language, "no-such-style"))
            return
        if not conversation.contents and (before := conversation.painted.get(message)):
            # Another button of the same gallery: the same photo in another style.
            conversation.contents = before.contents
        conversation.style = name
        if (order := await self._next(user)) is not None:
            conversation.keep_painted(message, order)

    async def _turn_page(self, query: CallbackQuery, page: int) -> None:
        shown = query.message
        caption = shown.caption if isinstance(shown, Message) else None
        media = InputMediaPhoto(await self._page(page), caption=caption)
        with contextlib.suppress(BadRequest):
            sent = await query.edit_message_media(media, keyboards.styles(self._gallery, page))
            if isinstance(sent, Message) and sent.photo:
                self._gallery.file_ids[page] = sent.photo[-1].file_id

    async def _on_role(self, user: int, conversation: Conversation, query: CallbackQuery, which: str) -> None:
        if len(conversation.contents) != 2:
            await self._bot.send_message(user, say(conversation.language, "lost-again"))
            return
        with contextlib.suppress(BadRequest):
            await query.edit_message_reply_markup(None)
        first, second = conversation.contents
        if which == "first":
            conversation.style, conversation.contents = first, (second,)
        elif which == "second":
            conversation.style, conversation.contents = second, (first,)
        await self._next(user)

    async def _on_again(self, user: int, conversation: Conversation, query: CallbackQuery, rest: str) -> None:
        assert query.message is not None
        message = query.message.message_id
        order = conversation.painted.get(message)
        choice = None if order is None else keyboards.choice(order.settings, rest)
        if order is None:
            await self._bot.send_message(user, say(conversation.language, "lost-again"))
        elif rest == keyboards.OTHER_STYLE:
            conversation.contents, conversation.style = order.contents, None
            await self._next(user)
        elif choice is not None:
            settings = with_setting(order.settings, *choice)
            await self._orders.begin(user, replace(order, settings=settings))
        else:
            # Try again: once, as the next attempt has a button of its own if it needs one.
            del conversation.painted[message]
            with contextlib.suppress(BadRequest):
                await query.edit_message_reply_markup(None)
            await self._orders.begin(user, order)

    def _user(self, update: Update) -> tuple[int, Conversation]:
        assert update.effective_user is not None
        return update.effective_user.id, self._conversations[update.effective_user.id]

    async def _forget(self, user: int) -> None:
        await self._orders.cancel(user)
        self._stop_waiting_for(user)
        self._conversations.forget(user)


def _explained(conversation: Conversation) -> str:
    """What settings are, with the help of those options of the method that have no words of the bot's own."""
    lines = [
        f"{item.name.replace('_', ' ')}: {item.metadata['help']}"
        for item in choosable(options_of(setting_value(conversation.settings, "method")))
        if item.metadata["values"] and not has_words(item.name)
    ]
    return "\n".join([say(conversation.language, "settings"), *lines])


def _picture(message: Message) -> SentPicture:
    if (clip := clip_of(message)) is not None:
        return clip
    if message.photo:
        largest = message.photo[-1]
        return SentPicture(largest.file_id, largest.file_size or 0)
    assert message.document is not None
    return SentPicture(message.document.file_id, message.document.file_size or 0, is_file=True)


async def _answer(update: Update, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
    assert update.message is not None
    await update.message.reply_text(text, reply_markup=keyboard)
