"""The Telegram bot: photos and paintings in, photos as paintings out, over the same service as the other doors.

Nothing here imports PyTorch, and nothing but `texts` holds a sentence that a user reads.
"""

import random

# Importing httpx loads this, which draws a random number, and a seed that somebody has set must still count afterwards.
_state = random.getstate()
import rich.style  # noqa: E402, F401

random.setstate(_state)
