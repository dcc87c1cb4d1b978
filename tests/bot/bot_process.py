"""A bot to be killed: python bot_process.py URL MEMORY FOLDER."""

import sys
from pathlib import Path

from fake_telegram import TOKEN
from wishes import ACTIONS

from impasto.bot.app import run
from impasto.bot.config import BotConfig, BotOptions
from impasto.bot.conversation import Conversations
from impasto.gallery import packaged
from impasto.service import Offer, Service, wire

url, memory, folder = sys.argv[1:]
worker = Path(__file__).parents[1] / "fake_worker.py"
command = (sys.executable, "-I", "-S", str(worker), folder, str(wire.__file__), "echo")
some = next(iter(packaged().values()))
config = BotConfig(token=TOKEN, base_url=url, options=BotOptions(edit_seconds=0.05, album_seconds=0.1))
with Service(Offer(styles=dict.fromkeys(ACTIONS, some)), devices=["cpu"], command=command) as service:
    run(config, service, Conversations(Path(memory)), lambda name: None)
