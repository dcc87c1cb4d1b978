"""The web page, made with gradio. Needs the extra `web`."""

import random

# Importing gradio draws random numbers, and a seed that somebody has set must still count afterwards.
_state = random.getstate()
import gradio  # noqa: E402, F401

random.setstate(_state)
