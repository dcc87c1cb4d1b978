"""What the bot answers to what its users say."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
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
Handler = Callable[[Update, Context], Coroutine[Any, Any, None]]


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
        add, of_user = self._application.add_handler, self._of_user
        add(TypeHandler(Update, self._check_user), group=-1)
        add(ChatMemberHandler(self._on_membership, ChatMemberHandler.MY_CHAT_MEMBER))
        add(CallbackQueryHandler(of_user(self._on_button)))
        add(CommandHandler("start", of_user(self._on_group), filters=~filters.ChatType.PRIVATE))
        answers = {
            "start": self._on_start, "help": self._on_help, "styles": self._on_styles,
            "settings": self._on_settings, "cancel": self._on_cancel, "privacy": self._on_privacy,
        }  # fmt: skip
        for name in COMMANDS:
            add(CommandHandler(name, of_user(answers[name]), filters=_PRIVATE))
        pictures = _PICTURES | _CLIPS if self._orders.takes_films else _PICTURES
        add(MessageHandler(_PRIVATE & pictures, of_user(self._on_picture)))
        add(MessageHandler(_PRIVATE & ~filters.StatusUpdate.ALL, of_user(self._on_other)))
        self._application.add_error_handler(self._on_error)

    def _of_user(self, answer: Callable[[int, Any], Awaitable[None]]) -> Handler:
        """What python-telegram-bot calls. answer: takes the user, and the message or what was pressed."""

        async def handle(update: Update, _: Context) -> None:
            assert update.effective_user is not None
            await answer(update.effective_user.id, update.message or update.callback_query)

        return handle

    async def _tell(self, user: int, key: str, keyboard: InlineKeyboardMarkup | None = None, **values: object) -> None:
        text = say(self._conversations[user].language, key, **values)
        await self._bot.send_message(user, text, reply_markup=keyboard)

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

    async def _on_group(self, user: int, message: Message) -> None:
        await message.reply_text(say(self._conversations[user].language, "only-private"))

    async def _on_start(self, user: int, message: Message) -> None:
        await self._tell(user, "start")

    async def _on_help(self, user: int, message: Message) -> None:
        language = self._conversations[user].language
        keys = ("help", "films") if self._orders.takes_films else ("help",)
        await self._bot.send_message(user, "\n\n".join(say(language, key) for key in keys))

    async def _on_styles(self, user: int, message: Message) -> None:
        await self._show_styles(user, "which-style" if self._conversations[user].contents else "styles")

    async def _on_settings(self, user: int, message: Message) -> None:
        conversation = self._conversations[user]
        keyboard = keyboards.settings(conversation.language, conversation.settings)
        await self._bot.send_message(user, _explained(conversation), reply_markup=keyboard)

    async def _on_cancel(self, user: int, message: Message) -> None:
        await self._orders.cancel(user)
        self._stop_waiting_for(user)
        self._conversations[user].forget_pictures()
        await self._tell(user, "cancelled-all")

    async def _on_privacy(self, user: int, message: Message) -> None:
        language = self._conversations[user].language
        text = say(language, "privacy", hours=duration(language, 3600 * self._options.keep_hours))
        if self._orders.takes_films:
            text = f"{text} {say(language, 'privacy-films')}"
        keyboard = keyboards.single(language, "forget-all", keyboards.FORGET)
        await self._bot.send_message(user, text, reply_markup=keyboard)

    # --- pictures -----------------------------------------------------------------------------------------------------

    async def _on_picture(self, user: int, message: Message) -> None:
        conversation, picture, caption = self._conversations[user], _picture(message), message.caption or ""
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
            await self._tell(user, "which-is-which", keyboards.roles(conversation.language))
            return
        else:
            conversation.contents = contents
        await self._next(user)

    async def _next(self, user: int) -> Order | None:
        conversation = self._conversations[user]
        if (order := conversation.take_order()) is not None:
            await self._orders.begin(user, order)
        elif len(conversation.contents) > 1:
            await self._show_styles(user, "which-style-many", count=len(conversation.contents))
        elif conversation.contents:
            await self._show_styles(user, "which-style")
        else:
            await self._tell(user, "which-photo")
        return order

    async def _show_styles(self, user: int, key: str, **values: object) -> None:
        text, keyboard = say(self._conversations[user].language, key, **values), keyboards.styles(self._gallery, 0)
        sent = await self._bot.send_photo(user, await self._page(0), caption=text, reply_markup=keyboard)
        if sent.photo:
            self._gallery.file_ids[0] = sent.photo[-1].file_id

    async def _page(self, page: int) -> str | bytes:
        """A page of the gallery: Telegram's name of it, if it has been sent before."""
        if (file_id := self._gallery.file_ids.get(page)) is not None:
            return file_id
        return await asyncio.to_thread(self._gallery.picture, page)

    async def _on_other(self, user: int, message: Message) -> None:
        if message.text and (name := self._gallery.by_words(message.text)):
            self._conversations[user].style = name
            await self._next(user)
        elif message.text:
            await self._tell(user, "not-text")
        elif message.sticker:
            await self._tell(user, "not-sticker")
        else:
            is_video = message.animation or message.video or message.video_note
            await self._tell(user, "not-video" if is_video else "not-picture")

    # --- buttons ------------------------------------------------------------------------------------------------------

    async def _on_button(self, user: int, query: CallbackQuery) -> None:
        with contextlib.suppress(BadRequest):
            # Telegram takes an answer only for a while, and nobody waits for it any longer than that.
            await query.answer()
        if query.message is None:
            return
        message, conversation = query.message.message_id, self._conversations[user]
        word, _, rest = (query.data or "").partition(":")
        match word:
            case keyboards.STYLE:
                await self._on_style(user, message, rest)
            case keyboards.PAGE if rest.isdecimal() and int(rest) < self._gallery.pages:
                await self._turn_page(query, int(rest))
            case keyboards.ROLE:
                await self._on_role(user, query, rest)
            case keyboards.CANCEL:
                await self._orders.cancel(user, message)
            case keyboards.RETRY | keyboards.AGAIN:
                await self._on_again(user, query, message, rest)
            case keyboards.SET if (choice := keyboards.choice(conversation.settings, rest)) is not None:
                conversation.settings = with_setting(conversation.settings, *choice)
                await _show_keyboard(query, keyboards.settings(conversation.language, conversation.settings))
            case keyboards.FORGET:
                await self._forget(user)
                await self._bot.send_message(user, say(conversation.language, "forgotten-all"))

    async def _on_style(self, user: int, message: int, key: str) -> None:
        conversation, name = self._conversations[user], self._gallery.by_key.get(key)
        if name is None:
            await self._tell(user, "no-such-style")
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

    async def _on_role(self, user: int, query: CallbackQuery, which: str) -> None:
        conversation = self._conversations[user]
        if len(conversation.contents) != 2:
            await self._tell(user, "lost-again")
            return
        await _show_keyboard(query, None)
        first, second = conversation.contents
        if which == "first":
            conversation.style, conversation.contents = first, (second,)
        elif which == "second":
            conversation.style, conversation.contents = second, (first,)
        await self._next(user)

    async def _on_again(self, user: int, query: CallbackQuery, message: int, rest: str) -> None:
        conversation = self._conversations[user]
        order = conversation.painted.get(message)
        if order is None:
            await self._tell(user, "lost-again")
        elif rest == keyboards.OTHER_STYLE:
            conversation.contents, conversation.style = order.contents, None
            await self._next(user)
        elif (choice := keyboards.choice(order.settings, rest)) is not None:
            await self._orders.begin(user, replace(order, settings=with_setting(order.settings, *choice)))
        else:
            # Try again: once, as the next attempt has a button of its own if it needs one.
            del conversation.painted[message]
            await _show_keyboard(query, None)
            await self._orders.begin(user, order)

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
    document = message.document
    for kind, clip in (
        # Of an animation there is a document, too.
        ("animation", message.animation), ("video", message.video), ("video_note", message.video_note),
        ("file", document if document and (document.mime_type or "").startswith("video/") else None),
    ):  # fmt: skip
        if clip is not None:
            # Of a document, Telegram does not say how long it is.
            seconds = getattr(clip, "duration", timedelta()).total_seconds()
            return SentPicture(clip.file_id, clip.file_size or 0, kind == "file", kind, seconds)
    sent = message.photo[-1] if message.photo else document
    assert sent is not None
    return SentPicture(sent.file_id, sent.file_size or 0, is_file=not message.photo)


async def _show_keyboard(query: CallbackQuery, keyboard: InlineKeyboardMarkup | None) -> None:
    with contextlib.suppress(BadRequest):
        await query.edit_message_reply_markup(keyboard)
