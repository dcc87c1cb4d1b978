"""What python-telegram-bot keeps conversations in. Its own way is pickle, which runs whatever a changed file says."""

import logging
from typing import Any

from telegram.ext import BasePersistence, PersistenceInput

from impasto.bot.conversation import Conversation
from impasto.bot.store import Store
from impasto.errors import DataError

logger = logging.getLogger("impasto.bot")


class Persistence(BasePersistence[Conversation, Any, Any]):
    """Users' conversations in a `Store`, which it does not close."""

    def __init__(self, store: Store) -> None:
        super().__init__(PersistenceInput(bot_data=False, chat_data=False, user_data=True, callback_data=False))
        self._store = store

    async def get_user_data(self) -> dict[int, Conversation]:
        found = {}
        for user, values in self._store.read().items():
            try:
                found[user] = Conversation.from_json(values)
            except (KeyError, TypeError, ValueError, AttributeError):
                logger.error("what is remembered of a user is of another version, and forgotten")
        return found

    async def update_user_data(self, user_id: int, data: Conversation) -> None:
        try:
            if data.is_empty:
                # Whoever was forgotten is looked up once more when the message is dealt with that asked for it.
                self._store.drop(user_id)
            else:
                self._store.put(user_id, data.to_json())
        except DataError as error:
            # A full disk is no reason to stop painting.
            logger.error("%s", error)

    async def drop_user_data(self, user_id: int) -> None:
        self._store.drop(user_id)

    # Nothing is written later than it is said, and of the other kinds of data the bot has none.

    async def flush(self) -> None:
        return None

    async def refresh_user_data(self, user_id: int, user_data: Conversation) -> None:
        return None

    async def refresh_chat_data(self, chat_id: int, chat_data: Any) -> None:
        return None

    async def refresh_bot_data(self, bot_data: Any) -> None:
        return None

    async def get_chat_data(self) -> dict[int, Any]:
        return {}

    async def get_bot_data(self) -> Any:
        return {}

    async def get_callback_data(self) -> None:
        return None

    async def get_conversations(self, name: str) -> dict[Any, Any]:
        return {}

    async def update_chat_data(self, chat_id: int, data: Any) -> None:
        return None

    async def update_bot_data(self, data: Any) -> None:
        return None

    async def update_callback_data(self, data: Any) -> None:
        return None

    async def update_conversation(self, name: str, key: Any, new_state: object | None) -> None:
        return None

    async def drop_chat_data(self, chat_id: int) -> None:
        return None
