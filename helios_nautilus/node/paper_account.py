"""The account of a paper run: a new one, or what the last run of the same configuration left.

That run's own beginning and its fills are in the journal; together they are the account, to the cent.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from nautilus_trader.model.instruments import Instrument

from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.portfolio.ledger import Execution, Ledger, Lot, Pair, settle_all, worth
from helios_nautilus.errors import HeliosError, JournalError
from helios_nautilus.journal.bet_store import Pending
from helios_nautilus.journal.completion import complete
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.inbox import LOST
from helios_nautilus.journal.protocol import JournalReader
from helios_nautilus.journal.records import AccountHolding, AccountRecord, EventRecord, FillRecord
from helios_nautilus.journal.writer import LiveJournal
from helios_nautilus.node.balances import fresh_balances
from helios_nautilus.node.completing import can_complete
from helios_nautilus.node.tiers import Past

_STAMP: Final = r"\d{8}T\d{6}(\.\d+)?"
"""What follows a name and a mode in a run's id."""
_CATCH_UP_SECS: Final = 30.0
_LOOK_SECS: Final = 0.05
_OTHERWISE: Final = "or begin a new account with --fresh"


def find_account(
    config: HeliosConfig, past: Past, writer: LiveJournal, pending: Sequence[Pending], ts_ns: int, *, fresh: bool
) -> AccountRecord:
    """The account that a paper run begins with, once the journal has all that earlier nodes left in the spool.

    Of ``pending``, which those may not even have brought there, it gets what it lacks. ``writer`` has been started.
    `HeliosError` says why the last account cannot be known; with ``fresh`` nobody asks.
    """
    new = fresh_account(config, past.instruments, ts_ns)
    if fresh:
        return new
    try:
        with open_journal() as journal:
            _await(lambda: can_complete(pending, writer))
            complete(journal, pending, ts_ns)
            return last_account(config, past.instruments, journal, ts_ns) or new
    except JournalError as error:
        raise HeliosError(f"what the paper account holds cannot be known: {error}; mend that, {_OTHERWISE}") from error


def fresh_account(config: HeliosConfig, instruments: Mapping[str, Instrument], ts_ns: int) -> AccountRecord:
    """The configured balance, and nothing held."""
    balances = fresh_balances(config.account, instruments.values())
    return AccountRecord(ts_ns=ts_ns, kind=config.account.kind, balances=balances, holdings=())


def last_account(
    config: HeliosConfig, instruments: Mapping[str, Instrument], journal: JournalReader, ts_ns: int
) -> AccountRecord | None:
    """What the newest paper run of this name, account kind and currency has left; None if there is none.

    `HeliosError` if it traded an instrument that the configuration does not name, or its journal lost records: a fill
    may be among them.
    """
    found = _last_run(config, journal)
    if found is None:
        return None
    run_id, opening = found
    if any(event.kind == LOST for event in journal.records_of(run_id, EventRecord)):
        raise HeliosError(f"the journal of {run_id} lost records, so nobody knows what it holds: {_OTHERWISE[3:]}")
    fills = journal.records_of(run_id, FillRecord)
    pairs = pairs_of(instruments)
    traded = {each.instrument_id for each in opening.holdings} | {each.instrument_id for each in fills}
    if traded - pairs.keys():
        foreign = ", ".join(sorted(traded - pairs.keys()))
        raise HeliosError(f"the account of {run_id} has traded {foreign}: name it in data.instruments, {_OTHERWISE}")
    ledger = settle_all(ledger_of(opening), map(_execution, fills), pairs)
    none_held = fresh_balances(config.account, instruments.values()) | {config.account.currency: Decimal(0)}
    return AccountRecord(
        ts_ns=ts_ns,
        kind=ledger.kind,
        balances=none_held | dict(ledger.balances),
        holdings=tuple(_holding(name, lot) for name, lot in sorted(ledger.lots.items())),
        continues=run_id,
    )


def equity_of(account: AccountRecord, currency: str, past: Past) -> float:
    """What an account is worth at the last closes before the start."""
    prices = {name: Decimal(str(data.bars.close[-1])) for name, data in past.history.items()}
    return float(worth(ledger_of(account), currency, pairs_of(past.instruments), prices))


def describe_account(account: AccountRecord) -> str:
    """One line for whoever starts the node."""
    begins = f"continues {account.continues}" if account.continues else "a new one"
    balances = ", ".join(f"{amount:f} {currency}" for currency, amount in account.balances.items() if amount)
    held = ", ".join(f"{each.instrument_id} {each.quantity:f} at {each.entry_price:.8g}" for each in account.holdings)
    return f"{begins}: {balances or 'nothing'}" + (f"; held: {held}" if held else "")


def pairs_of(instruments: Mapping[str, Instrument]) -> dict[str, Pair]:
    """What the books must know of instruments."""
    return {
        name: Pair(
            base=each.base_currency.code, quote=each.quote_currency.code, quote_decimals=each.quote_currency.precision
        )
        for name, each in instruments.items()
    }


def ledger_of(account: AccountRecord) -> Ledger:
    """The books as a run opens them."""
    lots = {
        each.instrument_id: Lot(quantity=each.quantity, entry_price=each.entry_price, opened_ns=each.opened_ns)
        for each in account.holdings
    }
    return Ledger(kind=account.kind, balances=account.balances, lots=lots)


def _last_run(config: HeliosConfig, journal: JournalReader) -> tuple[str, AccountRecord] | None:
    """Runs of before there were such records are passed over: nobody knows what they held."""
    own = re.compile(rf"{re.escape(config.name)}-paper-{_STAMP}")
    for run in journal.runs():
        if run.mode != "paper" or not own.fullmatch(run.run_id):
            continue
        openings = journal.records_of(run.run_id, AccountRecord)
        currency = journal.run_record(run.run_id).account_currency
        if openings and (openings[0].kind, currency) == (config.account.kind, config.account.currency):
            return run.run_id, openings[0]
    return None


def _execution(fill: FillRecord) -> Execution:
    return Execution(**{name: getattr(fill, name) for name in Execution.__struct_fields__})


def _holding(name: str, lot: Lot) -> AccountHolding:
    return AccountHolding(
        instrument_id=name, quantity=lot.quantity, entry_price=lot.entry_price, opened_ns=lot.opened_ns
    )


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _CATCH_UP_SECS
    while not condition():
        if time.monotonic() > deadline:
            raise JournalError(f"its rows did not come out of the spool in {_CATCH_UP_SECS:g} s")
        time.sleep(_LOOK_SECS)
