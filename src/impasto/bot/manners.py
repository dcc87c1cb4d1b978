"""How the bot behaves towards its users, as far as its operator can choose."""

from dataclasses import dataclass, fields

from impasto.options import check, option


@dataclass(frozen=True, kw_only=True)
class Manners:
    """Every value is checked; OptionError names the one that is wrong."""

    edit_seconds: float = option(
        2.0, "least time between two reports on one painting", minimum=0.01, maximum=3600, unit="s"
    )
    album_seconds: float = option(
        1.0, "silence after the last picture of an album, before it counts as complete",
        minimum=0.01, maximum=60, unit="s",
    )  # fmt: skip
    keep_hours: float = option(
        24.0, "that is remembered which pictures a silent user spoke of", minimum=0.0001, maximum=8760, unit="h"
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            check(item, getattr(self, item.name))
