"""Users at once, and each of them one message after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

from telegram import Update
from telegram.ext import BaseUpdateProcessor

AT_ONCE = 256


class Turns(BaseUpdateProcessor):
    """after: called once a message of a user's is dealt with, before their next one is."""

    def __init__(self, after: Callable[[], Awaitable[None]]) -> None:
        super().__init__(AT_ONCE)
        self._after = after
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, user: int) -> asyncio.Lock:
        """Held while something of this user's is dealt with; those who want it get it in the order of their coming."""
        return self._locks.setdefault(user, asyncio.Lock())

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        user = update.effective_user if isinstance(update, Update) else None
        if user is None:
            await coroutine
            return
        async with self.of(user.id):
            await coroutine
            await self._after()

    async def initialize(self) -> None:
        return None

    async def shutdown(self) -> None:
        return None
