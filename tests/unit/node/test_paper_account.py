"""Which account a paper run begins with: the end of the last run of its name, or a new one."""

from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.config import HeliosConfig, load_config
from helios_nautilus.errors import HeliosError, JournalError
from helios_nautilus.journal.bet_store import Pending
from helios_nautilus.journal.inbox import LOST
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import AccountHolding, AccountRecord, EventRecord, FillRecord, Mode
from helios_nautilus.node import paper_account
from helios_nautilus.node.paper_account import describe_account, find_account, fresh_account, last_account
from helios_nautilus.node.tiers import Past
from tests.acceptance.cli import SMALL, write_config
from tests.fakes import BTC, ETH, SOL, START_NS
from tests.unit.report.runs import run_record

INSTRUMENTS = {each.value: build_instrument(each.value) for each in (BTC, ETH, SOL)}


@pytest.fixture
def config(tmp_path: Path) -> HeliosConfig:
    return load_config(write_config(tmp_path / "run.toml", {**SMALL, "account.balance": 100_000.0})).config


def run(
    journal: MemoryJournal,
    run_id: str,
    *fills: FillRecord,
    mode: Mode = "paper",
    currency: str = "ZAR",
    opening: AccountRecord | None = None,
    **opens: Any,
) -> None:
    """A run of an account that held R10 000 and a bitcoin, unless said otherwise."""
    journal.append(replace(run_record(), run_id=run_id, mode=mode, account_currency=currency))
    fields: dict[str, Any] = {
        "kind": "cash",
        "balances": {"ZAR": Decimal(10_000), "BTC": Decimal(1)},
        "holdings": (held("1", "900000"),),
    }
    journal.append(opening or AccountRecord(ts_ns=START_NS, **fields | opens))
    for fill in fills:
        journal.append(fill)


def held(quantity: str, price: str) -> AccountHolding:
    return AccountHolding(
        instrument_id=BTC.value, quantity=Decimal(quantity), entry_price=Decimal(price), opened_ns=START_NS
    )


def sale(quantity: str, price: str, fee: str = "0", **fields: Any) -> FillRecord:
    known = {
        "instrument_id": BTC.value,
        "client_order_id": "O-1",
        "trade_id": "T-1",
        "decision_id": "",
        "role": "EXIT",
        "side": "SELL",
        "commission_currency": "ZAR",
        "liquidity": "TAKER",
    }
    return FillRecord(
        ts_ns=START_NS + 1,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(fee),
        commission_value=Decimal(fee),
        **known | fields,
    )


def test_the_first_run_begins_with_the_configured_balance_and_none_of_any_base(config: HeliosConfig) -> None:
    assert last_account(config, INSTRUMENTS, MemoryJournal(), START_NS) is None
    new = fresh_account(config, INSTRUMENTS, START_NS)
    assert new.balances == {"ZAR": 100_000, "BTC": 0, "ETH": 0, "SOL": 0}
    assert (new.kind, new.holdings, new.continues) == ("cash", (), "")


def test_a_run_begins_with_what_the_last_one_opened_with_and_its_fills(config: HeliosConfig) -> None:
    journal = MemoryJournal()
    run(journal, "small-paper-20260105T080000", sale("0.25", "1000000", fee="875.01"))
    account = last_account(config, INSTRUMENTS, journal, START_NS)
    assert account is not None
    assert account.balances == {"ZAR": Decimal("259124.99"), "BTC": Decimal("0.75"), "ETH": 0, "SOL": 0}
    assert account.holdings == (held("0.75", "900000"),)
    assert account.continues == "small-paper-20260105T080000"
    assert describe_account(account) == (
        "continues small-paper-20260105T080000: 259124.99 ZAR, 0.75 BTC; held: BTCZAR.VALR 0.75 at 900000"
    )


def test_what_was_sold_to_the_last_is_not_held_any_more(config: HeliosConfig) -> None:
    journal = MemoryJournal()
    run(journal, "small-paper-20260105T080000", sale("1", "1000000"))
    account = last_account(config, INSTRUMENTS, journal, START_NS)
    assert account is not None
    assert (account.balances["ZAR"], account.balances["BTC"]) == (Decimal(1_010_000), Decimal(0))
    assert account.holdings == ()


@pytest.mark.parametrize(
    "other",
    [
        {"run_id": "small-live-20260106T080000", "mode": "live"},
        {"run_id": "smaller-paper-20260106T080000"},
        {"run_id": "small-2-paper-20260106T080000"},
        {"run_id": "small-paper-20260106T080000", "currency": "USDT"},
        {"run_id": "small-paper-20260106T080000", "kind": "margin"},
    ],
)
def test_runs_of_another_mode_name_currency_or_kind_are_other_accounts(
    config: HeliosConfig, other: dict[str, Any]
) -> None:
    journal = MemoryJournal()
    run(journal, "small-paper-20260105T080000")
    run(journal, **other)
    account = last_account(config, INSTRUMENTS, journal, START_NS)
    assert account is not None
    assert account.continues == "small-paper-20260105T080000"


def test_a_run_of_before_accounts_were_journalled_is_passed_over(config: HeliosConfig) -> None:
    journal = MemoryJournal()
    run(journal, "small-paper-20260105T080000")
    journal.append(replace(run_record(), run_id="small-paper-20260106T080000", mode="paper"))
    account = last_account(config, INSTRUMENTS, journal, START_NS)
    assert account is not None
    assert account.continues == "small-paper-20260105T080000"


def test_an_account_that_traded_what_the_configuration_no_longer_names_is_refused(config: HeliosConfig) -> None:
    journal = MemoryJournal()
    run(journal, "small-paper-20260105T080000", sale("1", "5", instrument_id="XRPZAR.VALR", commission_currency="ZAR"))
    with pytest.raises(HeliosError, match=r"has traded XRPZAR.VALR: name it in data.instruments, or .* --fresh"):
        last_account(config, INSTRUMENTS, journal, START_NS)


def test_an_account_whose_journal_lost_records_is_refused(config: HeliosConfig) -> None:
    journal = MemoryJournal()
    run(journal, "small-paper-20260105T080000")
    journal.append(EventRecord(ts_ns=START_NS, kind=LOST, words="2 records could not be kept"))
    with pytest.raises(HeliosError, match="lost records, so nobody knows what it holds: begin a new account"):
        last_account(config, INSTRUMENTS, journal, START_NS)


def test_a_fill_that_a_kill_kept_from_the_journal_is_brought_there_and_moves_the_account_once(
    config: HeliosConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, run_id = MemoryJournal(), "small-paper-20260105T080000"
    told, lost = sale("0.25", "1000000"), sale("0.5", "1100000", trade_id="T-2")
    run(journal, run_id, told)
    pending = [Pending(run_id=run_id, record=record) for record in (told, lost)]
    monkeypatch.setattr(paper_account, "open_journal", lambda: nullcontext(journal))
    past, writer = Past(instruments=INSTRUMENTS, history={}, terms=()), Direct()

    for _ in range(2):
        account = find_account(config, past, writer, pending, START_NS, fresh=False)  # type: ignore[arg-type]
        assert account.balances["ZAR"] == 810_000
        assert journal.records_of(run_id, FillRecord) == [told, lost]


class Direct:
    """A writer whose spool is empty, and whose database answers."""

    def status(self) -> Any:
        return self

    is_direct = True


def test_without_the_journal_there_is_no_account_but_a_new_one_that_is_asked_for(
    config: HeliosConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Any:
        raise JournalError("the journal's database is away")

    monkeypatch.setattr(paper_account, "open_journal", refuse)
    past, writer = Past(instruments=INSTRUMENTS, history={}, terms=()), Direct()
    with pytest.raises(HeliosError, match=r"cannot be known: the journal's database is away; .* --fresh"):
        find_account(config, past, writer, (), START_NS, fresh=False)  # type: ignore[arg-type]
    assert find_account(config, past, writer, (), START_NS, fresh=True).continues == ""  # type: ignore[arg-type]
