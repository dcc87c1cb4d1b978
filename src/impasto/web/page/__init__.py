"""The web page: gradio in front of the same service as the HTTP API. Needs the extra `web`.

`mount.add_page(app, ...)` puts it at `/`. What a visitor uploads stays in memory (`shelf`), gradio's own routes are
reached only through `gate`, and everything that is painted goes through `desk` to the one queue.
"""

import random

# Importing gradio draws random numbers, and a seed that somebody has set must still count afterwards.
_state = random.getstate()
import gradio  # noqa: E402, F401

random.setstate(_state)
