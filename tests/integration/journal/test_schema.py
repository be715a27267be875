"""The schema: migrations and the full definition are one, and what a database has is never guessed."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.migrations import migrations, pending
from helios_nautilus.journal.postgres import connect
from helios_nautilus.journal.sql import queries, read
from helios_nautilus.journal.tables import COLUMNS, TABLES

CATALOGUE = {
    "columns": """
        SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default, generation_expression
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal ORDER BY 1, 2
    """,
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    "functions": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1
    """,
}


def catalogue(url: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        return {name: connection.execute(query.encode()).fetchall() for name, query in CATALOGUE.items()}


def versions(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT version FROM schema_versions ORDER BY 1")]


def test_the_migrations_lead_to_the_full_schema(database: str, new_database: Callable[[str], str]) -> None:
    full = new_database("template0")
    with psycopg.connect(full) as connection:
        connection.execute(read("schema.sql").encode())
    migrated, defined = catalogue(database), catalogue(full)
    for part in CATALOGUE:
        assert migrated[part] == defined[part], part
        assert migrated[part]


def test_every_kind_of_record_has_a_table_with_the_common_columns(database: str) -> None:
    found: dict[object, list[object]] = {}
    for table, _, column, *_ in catalogue(database)["columns"]:
        found.setdefault(table, []).append(column)
    for table in TABLES.values():
        assert tuple(found[table][: len(COLUMNS)]) == COLUMNS, table


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [each.version for each in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(re.fullmatch(r"[a-z_]+", each.name) for each in migrations())


def test_a_database_that_is_behind_is_brought_up_to_date(new_database: Callable[[str], str], database: str) -> None:
    old = new_database("template0")
    with psycopg.connect(old) as connection:
        connection.execute(queries()["create_versions"].encode())
        connection.execute(migrations()[0].sql.encode())
        connection.execute("INSERT INTO schema_versions VALUES (1, 'tables', 0)")
    with connect(old):
        pass
    assert versions(old) == [each.version for each in migrations()]
    assert catalogue(old) == catalogue(database)


def test_processes_that_migrate_at_once_do_it_once(new_database: Callable[[str], str]) -> None:
    def bring_up_to_date(_: int) -> None:
        with connect(url):
            pass

    url = new_database("template0")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bring_up_to_date, range(4)))
    assert versions(url) == [each.version for each in migrations()]


def test_a_schema_of_a_newer_helios_is_refused_in_one_line(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO schema_versions VALUES (99, 'from the future', 0)")
    with pytest.raises(JournalError, match=rf"at version 99, this Helios knows {len(migrations())}: update") as caught:
        connect(database).__enter__()
    assert "\n" not in str(caught.value)
    assert pending(len(migrations())) == ()


def test_a_database_that_is_not_there_is_said_in_one_line(server: str) -> None:
    with pytest.raises(JournalError, match=r'database "nowhere" does not exist') as caught:
        connect(server.replace("/postgres?", "/nowhere?")).__enter__()
    assert "\n" not in str(caught.value)


def test_an_address_that_is_none_is_refused_without_being_repeated() -> None:
    with pytest.raises(JournalError, match="HELIOS_DATABASE_URL") as caught:
        connect("postgresql://trader:se%cret@host/helios").__enter__()
    assert "cret" not in str(caught.value)
