"""One embedded PostgreSQL for the whole session, and a database of its own for every test, copied from a template."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from helios_nautilus.journal.embedded import start_server
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.postgres import PostgresJournal, connect

type Twin = PostgresJournal | MemoryJournal

_numbers = count()


@pytest.fixture(scope="session")
def server(helios_home: Path) -> str:
    """URL of a server that nobody will miss: it need not wait for the disk."""
    url = start_server(helios_home / "journal")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE template_journal")
    with connect(make_conninfo(url, dbname="template_journal")):
        pass
    return url


@pytest.fixture
def new_database(server: str) -> Callable[[str], str]:
    """Makes a database like a named one, and says its URL."""

    def make(template: str) -> str:
        name = f"journal_{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        return make_conninfo(server, dbname=name)

    return make


@pytest.fixture
def database(new_database: Callable[[str], str]) -> str:
    """A database with the schema and no rows."""
    return new_database("template_journal")


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database) as connection:
        yield connection


@pytest.fixture
def kept(connection: psycopg.Connection) -> PostgresJournal:
    return PostgresJournal(connection, clock=count(1).__next__)


@pytest.fixture(params=["memory", "postgres"])
def twin(request: pytest.FixtureRequest) -> Twin:
    """Either journal, with a clock that goes up by one at each look."""
    if request.param == "memory":
        return MemoryJournal(clock=count(1).__next__)
    journal: PostgresJournal = request.getfixturevalue("kept")
    return journal
