"""How the bot is told to end: by the signals that every system has, Windows too."""

import asyncio
import signal

import pytest

from impasto.bot import app


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_gracefully_without_the_loops_own_handlers(number, monkeypatch):
    def refuse(*_):
        raise NotImplementedError  # as on Windows

    async def serve(config, service, conversations, ready, stop):
        asyncio.get_running_loop().call_later(0.01, signal.raise_signal, number)
        await asyncio.wait_for(stop.wait(), 5)
        ended.append(number)

    ended = []
    monkeypatch.setattr(asyncio.get_event_loop_policy()._loop_factory, "add_signal_handler", refuse)
    monkeypatch.setattr(app, "serve", serve)
    before = signal.getsignal(number)
    app.run(None, None, None, None)
    assert ended == [number]
    assert signal.getsignal(number) is before
