"""A run in files: typed, exact, and still provable."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import GENESIS, link_hash
from helios_nautilus.journal.export import export_run
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import Record, RunRecord
from helios_nautilus.journal.tables import TABLES
from tests.integration.journal.samples import RUN, any_struct, fill, small_run

EVERY_KIND = [any_struct(kind) for kind in TABLES if kind is not RunRecord]


def journal_of(records: list[Record]) -> MemoryJournal:
    journal = MemoryJournal()
    journal.store_run(records, RUN)
    return journal


def test_every_table_has_a_file_with_all_its_rows(tmp_path: Path) -> None:
    journal = journal_of(small_run())
    written = export_run(journal.rows(RUN.run_id), tmp_path / "run", "parquet")
    assert {path.stem: pq.read_metadata(path).num_rows for path in (tmp_path / "run").iterdir()} == written
    assert sum(written.values()) == len(small_run())


def test_parquet_has_a_typed_column_for_every_field(tmp_path: Path) -> None:
    export_run(journal_of(small_run()).rows(RUN.run_id), tmp_path / "run", "parquet")
    fills = pq.read_table(tmp_path / "run" / "fills.parquet")
    assert fills.schema.field("price").type == pa.decimal128(38, 18)
    (row,) = fills.to_pylist()
    assert (row["price"], row["commission_value"]) == (Decimal("1000000.10"), Decimal("5.00000050"))
    assert (row["decision_id"], row["trade_id"], row["ts_ns"]) == ("D-1", "T-1", 2_001)
    (prediction, _) = pq.read_table(tmp_path / "run" / "ml_predictions.parquet").to_pylist()
    assert (prediction["p_buy"], prediction["attention"]) == (0.7, "[0.5,0.3,0.2]")


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(records=st.tuples(*EVERY_KIND))
def test_any_record_of_any_kind_can_be_exported(
    tmp_path_factory: pytest.TempPathFactory, records: tuple[Record, ...]
) -> None:
    folder = tmp_path_factory.mktemp("export") / "run"
    written = export_run(journal_of([RUN, *records]).rows(RUN.run_id), folder, "parquet")
    assert written == dict.fromkeys(TABLES.values(), 1)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_what_was_exported_can_be_verified_without_the_journal(tmp_path: Path, form: str) -> None:
    journal = journal_of(small_run())
    export_run(journal.rows(RUN.run_id), tmp_path / "run", "parquet" if form == "parquet" else "jsonl")
    found: dict[int, tuple[bytes, bytes]] = {}
    for path in (tmp_path / "run").iterdir():
        if form == "parquet":
            found |= {row["seq"]: (row["body"].encode(), row["hash"]) for row in pq.read_table(path).to_pylist()}
        else:
            for line in path.read_bytes().splitlines():
                row = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
                found[msgspec.json.decode(row["seq"])] = (
                    bytes(row["body"]),
                    bytes.fromhex(msgspec.json.decode(row["hash"])),
                )
    head = GENESIS
    for seq in range(len(small_run())):
        body, digest = found[seq]
        head = link_hash(head, seq, body)
        assert digest == head
    assert head == journal.run(RUN.run_id).head


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="exists already"):
        export_run([], tmp_path, "jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_parquet_cannot_hold_exactly_is_refused(tmp_path: Path) -> None:
    tiny = replace(fill("D-1", 2_000), price=Decimal("1E-19"))
    with pytest.raises(JournalError, match="export as jsonl"):
        export_run(journal_of([RUN, tiny]).rows(RUN.run_id), tmp_path / "run", "parquet")
    assert not (tmp_path / "run").exists()
