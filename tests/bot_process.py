"""A bot to be killed: python bot_process.py URL MEMORY FOLDER."""

import sys
from pathlib import Path

from fake_service import faked
from fake_telegram import TOKEN

from impasto.bot.app import run
from impasto.bot.config import BotConfig, BotOptions
from impasto.bot.conversation import Conversations

url, memory, folder = sys.argv[1:]
config = BotConfig(token=TOKEN, base_url=url, options=BotOptions(edit_seconds=0.05, album_seconds=0.1))
with faked(Path(folder), echo=True) as service:
    run(config, service, Conversations(Path(memory)), lambda name: None)
