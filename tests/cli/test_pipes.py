"""Files in place of standard input and output."""

from pathlib import Path

import pytest

from impasto.cli.pipes import STDOUT, Pipes, piped


@pytest.mark.parametrize("output", [None, "painting.png"])
def test_without_streams_no_folder_is_made_that_a_killed_run_would_leave(temporary: Path, output) -> None:
    with piped(["photo.jpg", "starry-night"], output) as pipes:
        assert pipes == Pipes(None, None)
        assert list(temporary.iterdir()) == []


def test_a_stream_has_a_file_for_as_long_as_the_command_runs(temporary: Path) -> None:
    with piped(["photo.jpg"], STDOUT) as pipes:
        assert pipes.sent is not None
        assert pipes.sent.parent.is_dir()
    assert list(temporary.iterdir()) == []
