"""How the page's handlers are called."""

from collections.abc import Mapping
from typing import Any

QUIET: Mapping[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""Of every handler: nothing is called but through the page, and what goes on is said in words."""
UNBOUNDED: Mapping[str, Any] = {**QUIET, "concurrency_limit": None}
"""Of what paints: the one queue is the service's."""
