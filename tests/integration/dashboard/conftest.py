"""A database with two paper runs, of which the second continues the first, and dashboards over it."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from helios_nautilus.journal.embedded import start_server
from helios_nautilus.journal.postgres import PostgresJournal, connect
from helios_nautilus.journal.records import RunRecord
from tests.integration.dashboard.site import Site, first_run, second_run, serve

_numbers = count()


@pytest.fixture(scope="session")
def new_database(helios_home: Path) -> Callable[[], str]:
    """Makes a database with the schema and nothing else, and says its URL."""
    server = start_server(helios_home / "journal")

    def make() -> str:
        name = f"dashboard_{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = make_conninfo(server, dbname=name)
        with connect(url):
            return url

    return make


@pytest.fixture(scope="module")
def database(new_database: Callable[[], str]) -> str:
    """Two runs are in it."""
    url = new_database()
    with connect(url) as connection:
        journal = PostgresJournal(connection)
        for records in (first_run(), second_run()):
            begun = records[0]
            assert isinstance(begun, RunRecord)
            journal.store_run(records, begun)
    return url


@pytest.fixture(scope="module")
def site(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A dashboard with a token a role."""
    with serve(database, tmp_path_factory.mktemp("dashboard")) as running:
        yield running
