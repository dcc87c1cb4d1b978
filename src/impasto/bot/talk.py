"""What the bot answers to what its users say."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping, Sequence
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
from impasto.bot.conversation import Commission, Conversation, Picture, changed, settable, value_of
from impasto.bot.gallery import Gallery
from impasto.bot.manners import Manners
from impasto.bot.studio import Bot, Studio
from impasto.bot.texts import STYLE_WORDS, duration, has_words, language_of, say
from impasto.bot.turns import Turns
from impasto.methods import options_of
from impasto.options import choosable

logger = logging.getLogger("impasto.bot")

COMMANDS = ("start", "styles", "settings", "cancel", "help", "privacy")

_PRIVATE = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
_PICTURES = filters.PHOTO | (filters.Document.IMAGE & ~filters.ANIMATION)

Context = CallbackContext[Any, Conversation, Any, Any]


class Talk:
    """One for all users. allowed: the only ones that are let in; everybody, if it is empty."""

    def __init__(
        self, application: Bot, studio: Studio, gallery: Gallery, turns: Turns, manners: Manners,
        allowed: Collection[int] = (),
    ) -> None:  # fmt: skip
        self._application, self._studio, self._gallery, self._turns = application, studio, gallery, turns
        self._manners, self._allowed = manners, frozenset(allowed)
        self._albums: dict[int, asyncio.Task[None]] = {}
        self._register()

    def _register(self) -> None:
        add = self._application.add_handler
        add(TypeHandler(Update, self._let_in), group=-1)
        add(ChatMemberHandler(self._on_membership, ChatMemberHandler.MY_CHAT_MEMBER))
        add(CallbackQueryHandler(self._on_button))
        add(CommandHandler("start", self._on_group, filters=~filters.ChatType.PRIVATE))
        for name in ("start", "help"):
            add(CommandHandler(name, self._on_words, filters=_PRIVATE))
        add(CommandHandler("styles", self._on_styles, filters=_PRIVATE))
        add(CommandHandler("settings", self._on_settings, filters=_PRIVATE))
        add(CommandHandler("cancel", self._on_cancel, filters=_PRIVATE))
        add(CommandHandler("privacy", self._on_privacy, filters=_PRIVATE))
        add(MessageHandler(_PRIVATE & _PICTURES, self._on_picture))
        add(MessageHandler(_PRIVATE & ~filters.StatusUpdate.ALL, self._on_anything_else))
        self._application.add_error_handler(self._on_error)

    async def go_on(self) -> None:
        """With what was interrupted when the bot ended the last time."""
        await self._studio.resume()
        for user, talk in list(self._application.user_data.items()):
            if talk.album:
                self._wait_for_more(user)

    def stop_waiting(self) -> None:
        """For albums; those that may be complete are remembered."""
        for task in self._albums.values():
            task.cancel()

    # --- before all else ----------------------------------------------------------------------------------------------

    async def _let_in(self, update: Update, context: Context) -> None:
        user, talk = update.effective_user, context.user_data
        if user is None or talk is None:
            raise ApplicationHandlerStop
        talk.language = language_of(user.language_code)
        if not talk.hear(update.update_id):
            # Telegram delivers again what was not confirmed before the bot was killed.
            raise ApplicationHandlerStop
        if self._allowed and user.id not in self._allowed:
            self._application.drop_user_data(user.id)
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
        await _answer(update, say(_of(context).language, "only-private"))

    async def _on_words(self, update: Update, context: Context) -> None:
        text = update.message.text if update.message and update.message.text else ""
        await _answer(update, say(_of(context).language, "help" if text.startswith("/help") else "start"))

    async def _on_styles(self, update: Update, context: Context) -> None:
        talk, user = _of(context), _user(update)
        await self._show_styles(user, say(talk.language, "which-style" if talk.contents else "styles"))

    async def _on_settings(self, update: Update, context: Context) -> None:
        talk = _of(context)
        keyboard = keyboards.settings(talk.language, talk.settings)
        await _answer(update, _explained(talk), keyboard)

    async def _on_cancel(self, update: Update, context: Context) -> None:
        talk, user = _of(context), _user(update)
        await self._studio.cancel(user)
        self._wait_no_longer(user)
        talk.let_go()
        await _answer(update, say(talk.language, "cancelled-all"))

    async def _on_privacy(self, update: Update, context: Context) -> None:
        language = _of(context).language
        text = say(language, "privacy", hours=duration(language, 3600 * self._manners.keep_hours))
        await _answer(update, text, keyboards.one(language, "forget-all", keyboards.FORGET))

    # --- pictures -----------------------------------------------------------------------------------------------------

    async def _on_picture(self, update: Update, context: Context) -> None:
        message, talk, user = update.message, _of(context), _user(update)
        assert message is not None
        picture, caption = _picture(message), message.caption or ""
        if message.media_group_id is None:
            await self._take(user, [(picture, caption)])
            return
        if talk.album and talk.album_id != message.media_group_id:
            await self._take_album(user)
        talk.album_id = message.media_group_id
        talk.album = (*talk.album, (picture, caption))
        self._wait_for_more(user)

    def _wait_for_more(self, user: int) -> None:
        """Pictures of an album arrive one by one, and nothing says which is the last."""
        self._wait_no_longer(user)
        self._albums[user] = self._application.create_task(self._after_silence(user))

    def _wait_no_longer(self, user: int) -> None:
        if (task := self._albums.pop(user, None)) is not None:
            task.cancel()

    async def _after_silence(self, user: int) -> None:
        await asyncio.sleep(self._manners.album_seconds)
        async with self._turns.of(user):
            self._albums.pop(user, None)
            await self._take_album(user)
            await self._studio.save(user)

    async def _take_album(self, user: int) -> None:
        talk = self._application.user_data[user]
        pictures, talk.album, talk.album_id = talk.album, (), ""
        if pictures:
            await self._take(user, pictures)

    async def _take(self, user: int, pictures: Sequence[tuple[Picture, str]]) -> None:
        """Pictures that came together, each with its caption."""
        talk = self._application.user_data[user]
        style = next((one for one, caption in pictures if caption.strip().lower() in STYLE_WORDS), None)
        named = next(filter(None, (self._gallery.called(caption) for _, caption in pictures)), None)
        contents = tuple(one for one, _ in pictures if one is not style)
        if style is not None:
            talk.style, talk.contents = style, contents or talk.contents
        elif named is not None:
            talk.style, talk.contents = named, contents
        elif len(pictures) == 1 and talk.contents and talk.style is None:
            talk.style = contents[0]
        elif len(pictures) == 2 and talk.style is None:
            talk.contents = contents
            text = say(talk.language, "which-is-which")
            await self._application.bot.send_message(user, text, reply_markup=keyboards.roles(talk.language))
            return
        else:
            talk.contents = contents
        await self._next(user)

    async def _next(self, user: int) -> Commission | None:
        """Paint, or ask for what is missing."""
        talk = self._application.user_data[user]
        if (commission := talk.commission()) is not None:
            await self._studio.begin(user, commission)
        elif len(talk.contents) > 1:
            await self._show_styles(user, say(talk.language, "which-style-many", count=len(talk.contents)))
        elif talk.contents:
            await self._show_styles(user, say(talk.language, "which-style"))
        else:
            await self._application.bot.send_message(user, say(talk.language, "which-photo"))
        return commission

    async def _show_styles(self, user: int, text: str) -> None:
        bot, keyboard = self._application.bot, keyboards.styles(self._gallery, 0)
        picture = await self._page(0)
        sent = await bot.send_photo(user, picture, caption=text, reply_markup=keyboard)
        if sent.photo:
            self._gallery.sent[0] = sent.photo[-1].file_id

    async def _page(self, page: int) -> str | bytes:
        """A page of the gallery: Telegram's name of it, if it has been sent before."""
        if (known := self._gallery.sent.get(page)) is not None:
            return known
        return await asyncio.to_thread(self._gallery.picture, page)

    async def _on_anything_else(self, update: Update, context: Context) -> None:
        message, talk, user = update.message, _of(context), _user(update)
        assert message is not None
        if message.text and (name := self._gallery.called(message.text)):
            talk.style = name
            await self._next(user)
            return
        if message.text:
            key = "not-text"
        elif message.sticker:
            key = "not-sticker"
        else:
            is_video = message.animation or message.video or message.video_note
            key = "not-video" if is_video else "not-picture"
        await _answer(update, say(talk.language, key))

    # --- buttons ------------------------------------------------------------------------------------------------------

    async def _on_button(self, update: Update, context: Context) -> None:
        query, talk, user = update.callback_query, _of(context), _user(update)
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
                await self._on_style(user, talk, message, rest)
            case keyboards.PAGE if rest.isdecimal() and int(rest) < self._gallery.pages:
                await self._turn_page(query, int(rest))
            case keyboards.ROLE:
                await self._on_role(user, talk, query, rest)
            case keyboards.CANCEL:
                await self._studio.cancel(user, message)
            case keyboards.RETRY | keyboards.AGAIN:
                await self._on_again(user, talk, query, rest)
            case keyboards.SET if (choice := _choice(talk.settings, rest)) is not None:
                talk.settings = changed(talk.settings, *choice)
                with contextlib.suppress(BadRequest):
                    await query.edit_message_reply_markup(keyboards.settings(talk.language, talk.settings))
            case keyboards.FORGET:
                language = talk.language
                await self._forget(user)
                await self._application.bot.send_message(user, say(language, "forgotten-all"))

    async def _on_style(self, user: int, talk: Conversation, message: int, key: str) -> None:
        name = self._gallery.by_key(key)
        if name is None:
            await self._application.bot.send_message(user, say(talk.language, "no-such-style"))
            return
        if not talk.contents and (before := talk.painted.get(message)):
            # Another button of the same gallery: the same photo in another style.
            talk.contents = before.contents
        talk.style = name
        if (commission := await self._next(user)) is not None:
            talk.keep(message, commission)

    async def _turn_page(self, query: CallbackQuery, page: int) -> None:
        shown = query.message
        caption = shown.caption if isinstance(shown, Message) else None
        media = InputMediaPhoto(await self._page(page), caption=caption)
        with contextlib.suppress(BadRequest):
            sent = await query.edit_message_media(media, keyboards.styles(self._gallery, page))
            if isinstance(sent, Message) and sent.photo:
                self._gallery.sent[page] = sent.photo[-1].file_id

    async def _on_role(self, user: int, talk: Conversation, query: CallbackQuery, which: str) -> None:
        if len(talk.contents) != 2:
            await self._application.bot.send_message(user, say(talk.language, "lost-again"))
            return
        with contextlib.suppress(BadRequest):
            await query.edit_message_reply_markup(None)
        first, second = talk.contents
        if which == "first":
            talk.style, talk.contents = first, (second,)
        elif which == "second":
            talk.style, talk.contents = second, (first,)
        await self._next(user)

    async def _on_again(self, user: int, talk: Conversation, query: CallbackQuery, rest: str) -> None:
        assert query.message is not None
        message = query.message.message_id
        commission = talk.painted.get(message)
        choice = None if commission is None else _choice(commission.settings, rest)
        if commission is None:
            await self._application.bot.send_message(user, say(talk.language, "lost-again"))
        elif rest == keyboards.OTHER_STYLE:
            talk.contents, talk.style = commission.contents, None
            await self._next(user)
        elif choice is not None:
            settings = changed(commission.settings, *choice)
            await self._studio.begin(user, replace(commission, settings=settings))
        else:
            # Try again: once, as the next attempt has a button of its own if it needs one.
            del talk.painted[message]
            with contextlib.suppress(BadRequest):
                await query.edit_message_reply_markup(None)
            await self._studio.begin(user, commission)

    async def _forget(self, user: int) -> None:
        await self._studio.cancel(user)
        self._wait_no_longer(user)
        self._application.drop_user_data(user)


def _of(context: Context) -> Conversation:
    assert context.user_data is not None
    return context.user_data


def _user(update: Update) -> int:
    assert update.effective_user is not None
    return update.effective_user.id


def _explained(talk: Conversation) -> str:
    """What settings are, with the help of those options of the method that have no words of the bot's own."""
    own = choosable(options_of(value_of(talk.settings, "method")))
    lines = [
        f"{item.name.replace('_', ' ')}: {item.metadata['help']}"
        for item in own
        if item.metadata["values"] and not has_words(item.name)
    ]
    return "\n".join([say(talk.language, "settings"), *lines])


def _picture(message: Message) -> Picture:
    if message.photo:
        largest = message.photo[-1]
        return Picture(largest.file_id, largest.file_size or 0)
    assert message.document is not None
    return Picture(message.document.file_id, message.document.file_size or 0, is_file=True)


def _choice(settings: Mapping[str, Any], text: str) -> tuple[str, Any] | None:
    """(option, value) of a button; None for what no button of ours says."""
    name, _, place = text.partition(":")
    values = settable(settings).get(name, ())
    return (name, values[int(place)]) if place.isdecimal() and int(place) < len(values) else None


async def _answer(update: Update, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
    assert update.message is not None
    await update.message.reply_text(text, reply_markup=keyboard)
