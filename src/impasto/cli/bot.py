"""`impasto bot`: the service on Telegram."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from impasto.bot.config import BotConfig, BotOptions, read_token
from impasto.cli.flags import Flags, OfferedModels, flag, flags, given
from impasto.cli.terminal import Screen
from impasto.errors import OptionError, from_extra
from impasto.gallery import own_styles
from impasto.service.limits import Limits

# A painting of the bot's has one style, and goes to its user as soon as it is there.
_OF_OTHER_DOORS = ("styles_each", "uploads_mb", "uploads_each_mb", "results", "results_mb", "keep_seconds")

_MODELS = OfferedModels()
_LIMITS, _BEHAVIOUR = flags(Limits, "Limits", without=_OF_OTHER_DOORS), flags(BotOptions, "Behaviour")


@dataclass(frozen=True, kw_only=True)
class BotAccount(Flags):
    """Which bot it is, who may use it, and where it remembers what they said."""

    token_file: Path | None = flag("file with the bot's token; without it, IMPASTO_TELEGRAM_TOKEN holds the token")
    allow: tuple[int, ...] = flag("users who may use the bot, by number; everybody if none", (), metavar="ID")
    memory: Path = flag(
        "where settings and running paintings survive a restart", Path("impasto-bot.sqlite"), metavar="FILE"
    )
    base_url: str = flag("of a Bot API server of your own", "https://api.telegram.org", metavar="URL")


def bot(
    *,
    account: BotAccount = BotAccount(),
    models: OfferedModels = _MODELS,
    limits: Any = _LIMITS,
    behaviour: Any = _BEHAVIOUR,
) -> None:
    """Be a Telegram bot until Ctrl-C or SIGTERM; what is being painted then is finished, the rest is painted later."""
    parts = urlsplit(account.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError(f"--base-url is '{account.base_url}', but must be like https://api.telegram.org")
    for number in account.allow:
        if number <= 0:
            raise OptionError(f"--allow is {number}, but users' numbers are greater than 0")
    bounds, options = Limits(**given(limits)), BotOptions(**given(behaviour))
    from impasto.bot.config import hidden

    token = read_token(account.token_file)
    with hidden(token):
        _serve(token, account, models, bounds, options)


def _serve(token: str, account: BotAccount, models: OfferedModels, limits: Limits, options: BotOptions) -> None:
    with from_extra("bot", "the bot"):
        import aiolimiter  # noqa: F401  (which python-telegram-bot asks for only when it begins)

        from impasto.bot import app
    from impasto.bot.conversation import Conversations
    from impasto.service.offer import Offer, styles_in
    from impasto.service.service import Service

    offer = Offer(styles=own_styles() if models.styles is None else styles_in(models.styles))
    config = BotConfig(token=token, base_url=account.base_url, allowed=account.allow, options=options)
    screen, service = Screen(), Service(offer, limits, devices=models.device, confine=models.confine)

    def tell(name: str) -> None:
        screen.result(f"https://t.me/{name}")
        screen.note("serving; Ctrl-C stops")

    with closing(Conversations(account.memory)) as conversations, service:
        service.wait_until_ready()
        app.run(config, service, conversations, tell)
