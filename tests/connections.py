"""A connection to a server, without what a client would do for one."""

import socket


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side ends it, in whichever way."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
