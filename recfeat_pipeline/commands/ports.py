"""Ports that a command would listen on."""

import socket

from recfeat_pipeline.errors import RecfeatError


def check_port(host: str, port: int) -> None:
    """Find out before a server starts whether it could listen.

    Raises:
        RecfeatError: the port is taken, or the address is not this machine's.
    """
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise RecfeatError(
            f"--host {host!r} is no address of this machine; use 127.0.0.1, or 0.0.0.0 for all."
        ) from None
    with socket.socket(address[0], socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address[4])
        except PermissionError:
            raise RecfeatError(
                f"Port {port} needs privileges: give one above 1023, as in --port 3000."
            ) from None
        except OSError as error:
            another = port + 1 if port < 65535 else 3000
            raise RecfeatError(
                f"Cannot listen on port {port} of {host} ({error.strerror}): another program has "
                f"it, or the address is not this machine's. Give another, --port {another}."
            ) from None
