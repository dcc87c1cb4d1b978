"""A painting from a server: `impasto serve` in another terminal, then python examples/ask_a_server.py [URL [PHOTO]].

The client needs nothing but Python's own library.
"""

import sys
from pathlib import Path

from impasto.client import Client
from impasto.gallery import photos

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
photo = sys.argv[2] if len(sys.argv) > 2 else photos()["mountains"]
Path("ask_a_server.png").write_bytes(Client(url).stylize(photo, "great-wave", size=512))
print("ask_a_server.png")
