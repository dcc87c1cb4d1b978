"""How long an HTTP server waits for clients, and how many it has at a time."""

from dataclasses import dataclass

from impasto.options import Checked, option

HEADER_SECONDS = 15.0
"""That a client may take to say what it wants."""
BODY_SECONDS = 10.0
"""That any body may take which is no upload; signing in, where nobody is known yet, has one of these."""
BODY_BYTES = 1_000_000
"""Of such a body at most."""
SHARE = 4
"""One address has at most one part in so many of the requests that are answered at a time."""


@dataclass(frozen=True, kw_only=True)
class HttpLimits(Checked):
    """How patient a server is with its clients, and how many it has."""

    wait_seconds: float = option(
        25.0,
        "that a request waits for its painting, before it is answered with a job",
        minimum=0,
        maximum=3600,
        unit="s",
    )
    upload_seconds: float = option(60.0, "that sending a request may take", minimum=0.1, maximum=3600, unit="s")
    unread_seconds: float = option(
        30.0, "that a client may leave an answer unread", minimum=0.1, maximum=3600, unit="s"
    )
    connections: int = option(
        512,
        f"requests that are answered at a time, 1 in {SHARE} of them to one address",
        minimum=1,
        maximum=100_000,
    )
    rate: float = option(0.0, "paintings a minute that one user may ask for; 0 is any number", minimum=0)

    @property
    def share(self) -> int:
        """Requests of one address that are answered at a time."""
        return max(1, self.connections // SHARE)
