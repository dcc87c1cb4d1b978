"""What the processes of the service find around them."""

import os
from pathlib import Path

import impasto

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""Of lines in the log, of the server and of what paints for it."""


def environment() -> dict[str, str]:
    """The same impasto as here, even if this one was not installed."""
    home = str(Path(impasto.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))}
