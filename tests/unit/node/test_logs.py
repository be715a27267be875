from pathlib import Path

import pytest
from nautilus_trader.common.component import LiveClock
from nautilus_trader.common.generators import ClientOrderIdGenerator
from nautilus_trader.model.identifiers import StrategyId, TraderId

from helios_nautilus.adapters.valr.order_ids import to_client_order_id, to_customer_id
from helios_nautilus.node.logs import engine_log, log_files
from helios_nautilus.watch.settings import LogSettings

RUN_ID = "a_name-of.more-than-fifty-characters-that-somebody-thought-of-live-20260131T120000"


def test_the_engine_logs_for_people_unless_told_otherwise_and_never_without_end() -> None:
    log = engine_log(LogSettings(), RUN_ID, Path("logs"))
    assert (log.log_file_format, log.log_file_max_size, log.log_file_max_backup_count) == (None, 64 * 2**20, 5)
    assert engine_log(LogSettings(format="json"), RUN_ID, Path("logs")).log_file_format == "JSON"


def test_the_log_s_files_begin_with_the_run_s_id() -> None:
    assert log_files("small-paper-1", Path("logs")) == "logs/small-paper-1*"


@pytest.mark.parametrize("run_id", [RUN_ID, "small-paper-20260131T120000"])
def test_a_run_s_id_as_the_trader_s_gives_orders_names_that_valr_takes(run_id: str) -> None:
    names = ClientOrderIdGenerator(TraderId(run_id), StrategyId("HeliosStrategy-001"), LiveClock())
    name = names.generate()
    assert run_id.rpartition("-")[2] in name.value, "two runs never name two orders alike"
    assert to_client_order_id(to_customer_id(name)) == name
    assert len(to_customer_id(name)) <= 42, "a long run's count has room"
