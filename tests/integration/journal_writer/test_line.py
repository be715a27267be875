"""A connection that may be away: what cannot be set up is let go."""

import asyncio
from math import inf

import psycopg
import pytest

from helios_nautilus.journal.delivery import AwayError
from helios_nautilus.journal.line import open_line
from tests.integration.journal_writer.server import Server
from tests.integration.journal_writer.test_reception import until

NAME = "helios trial"


def test_a_connection_that_cannot_be_set_up_is_not_left_open(server: Server) -> None:
    def is_listed() -> bool:
        with psycopg.connect(server.url) as connection:
            found = connection.execute("SELECT FROM pg_stat_activity WHERE application_name = %s", [NAME]).fetchall()
        return bool(found)

    with pytest.raises(AwayError, match="cannot be reached") as caught:
        asyncio.run(open_line(lambda: server.url, NAME, inf))  # no server gives up a statement after that
    until(lambda: not is_listed())
    assert caught.value.__traceback__ is not None, "who holds the error holds all that it was about"
