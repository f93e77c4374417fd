"""The address that a server listens at, taken before anything is made in its folder."""

from __future__ import annotations

import errno
import socket
from typing import Final

from protomem.errors import InvalidInput

__all__ = ["address", "listening"]

NO_ADDRESS: Final = (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL)
"""Of another machine, or a name that nobody knows."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at this address; port 0 is a free one. Raises `InvalidInput` where it cannot."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise InvalidInput(f"cannot listen at {host}:{port}: {_reason(error, port)}") from error


def address(listener: socket.socket) -> str:
    """The URL at which a server with this socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reason(error: OSError, port: int) -> str:
    if error.errno in NO_ADDRESS:
        return "this machine has no such address; give --host one of its own, or leave it out for 127.0.0.1"
    if error.errno == errno.EADDRINUSE:
        return f"another program has port {port}; stop it, or give this one another --port (0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"this user may not use port {port}; give one from 1024 on with --port"
    return f"{str(error.strerror).partition(' (while')[0]}; give another --host or --port"
