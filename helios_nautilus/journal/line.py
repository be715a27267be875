"""A connection to a database that may be away: opened, cut off, and what went wrong without a word of the address."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import AsyncConnection

from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.delivery import AwayError

_GIVE_UP: Final = "SELECT set_config('statement_timeout', %s, false)"

# psycopg warns of every connection that is lost; here that is an `AwayError`, and told as one.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


async def open_line(address: Callable[[], str], name: str, give_up_secs: float) -> AsyncConnection:
    """A connection on which every statement is its own transaction, and ends after ``give_up_secs`` on the server.

    ``address`` is asked on another thread; ``name`` is what the server's own list calls us. `AwayError` if there is
    none to be had.
    """
    try:
        connection = await AsyncConnection.connect(
            await asyncio.to_thread(address), autocommit=True, application_name=name
        )
        try:
            # A statement given up here must not wait on there, and those of the next connection behind it.
            await connection.execute(_GIVE_UP, [f"{give_up_secs * 1e3:.0f}"])
        except BaseException:
            await connection.close()
            raise
        return connection
    except psycopg.Error as error:
        # Without its cause: libpq quotes from an address that it cannot read, the password too.
        raise AwayError(f"the journal's database cannot be reached: {reason_of(error)}") from None
    except (HeliosError, OSError) as error:
        raise AwayError(f"the journal's database cannot be reached: {error}") from error


def cut_line(connection: AsyncConnection) -> None:
    """Cut the line under a waiting connection. Cancelling it would first ask a server that may answer nobody."""
    if connection.closed:
        return
    with suppress(OSError), socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.shutdown(socket.SHUT_RDWR)


def reason_of(error: Exception) -> str:
    """What went wrong, without anything of the address: hosts are left out, as a malformed one may hold a password."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    lines = str(error).splitlines() or [""]
    _, found, words = lines[0].rpartition("failed: ")
    if not found:
        return f"{type(error).__name__} of the driver; check the address and the network"
    return words
