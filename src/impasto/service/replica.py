"""Several servers behind one address: the id of a job begins with the name of the one that has it."""

import re
import secrets

from impasto.errors import OptionError
from impasto.service.refusals import OtherReplicaError

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""What can be a part of a server's name in the network, by which a proxy finds it."""


def check_replica(name: str) -> None:
    """Raises OptionError for a name that no server has; an empty one says that there is only this server."""
    if name and not _NAME.fullmatch(name):
        raise OptionError(
            f"--replica is '{name[:80]}', but must be up to 63 small letters, digits and '-' between them"
        )


def new_id(replica: str) -> str:
    """That nobody can guess."""
    return ".".join(filter(None, (replica, secrets.token_urlsafe(16))))


def check_here(name: str, replica: str) -> None:
    """Raises OtherReplicaError if an id is one of another replica's."""
    other, dot, _ = name.partition(".")
    if replica and dot and other != replica and _NAME.fullmatch(other):
        raise OtherReplicaError(other)
