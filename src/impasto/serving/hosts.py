"""Names by which a server may be called.

A page of another site can have its own name lead to this machine (DNS rebinding); the name in a request gives it away.
"""

import ipaddress
from collections.abc import Collection

from impasto.errors import OptionError

Hosts = Collection[str] | None
"""Names besides those of this machine for itself; None: any."""


def is_loopback(name: str) -> bool:
    """Whether this machine calls itself so."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def url_of(host: str, port: int) -> str:
    """Where a server that listens there is found."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_called(host: str, hosts: Hosts) -> bool:
    """host: the header of a request."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.lower().rstrip(".")
    return hosts is None or not name or is_loopback(name) or name in hosts


def named(names: Collection[str], flag: str) -> frozenset[str]:
    """Of what was given on the command line. Raises OptionError."""
    for name in names:
        if not name or set(name) & set(" /@*") or (":" in name and not name.startswith("[")):
            raise OptionError(f"{flag} is '{name}', but must be a name like paint.example.org, without a port")
    return frozenset(name.lower().rstrip(".") for name in names)
