"""Paged lists: whole, each row once, also while the venue adds to them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.adapters.valr import paging
from helios_nautilus.adapters.valr.api.routes.base import PAGE
from helios_nautilus.adapters.valr.paging import TooManyRowsError, read_by_id, read_by_skip


class Ledger:
    """Rows newest first; some more are added at the head before every page but the first."""

    def __init__(self, count: int, grows_by: int = 0) -> None:
        self.rows = [f"r{number}" for number in range(count)]
        self._grows_by = grows_by
        self.questions = 0

    def _grow(self) -> None:
        if self.questions:
            self.rows = [f"n{self.questions}-{number}" for number in range(self._grows_by)] + self.rows
        self.questions += 1

    async def at(self, skip: int) -> list[str]:
        self._grow()
        return self.rows[skip : skip + PAGE]

    async def before(self, row: str | None) -> list[str]:
        self._grow()
        start = 0 if row is None else self.rows.index(row) + 1
        return self.rows[start : start + PAGE]


@given(st.integers(0, 350), st.integers(0, 40))
def test_a_list_paged_by_skip_is_whole_although_it_grows(count: int, grows_by: int) -> None:
    ledger = Ledger(count, grows_by)
    rows = asyncio.run(read_by_skip(ledger.at, str, "rows"))
    assert len(set(rows)) == len(rows)
    assert {f"r{number}" for number in range(count)} <= set(rows)


def test_the_head_is_read_once_more_because_a_row_may_have_moved_there() -> None:
    ledger = Ledger(150)
    read = ledger.at

    async def moving(skip: int) -> list[str]:
        page = await read(skip)
        if ledger.questions == 1:
            # A row of the second page changes, so that the venue has it first now.
            ledger.rows.insert(0, ledger.rows.pop(120))
        return page

    assert "r120" in asyncio.run(read_by_skip(moving, str, "rows"))


@given(st.integers(0, 350), st.integers(0, 40))
def test_a_list_paged_by_id_is_whole_although_it_grows(count: int, grows_by: int) -> None:
    ledger = Ledger(count, grows_by)
    rows = asyncio.run(read_by_id(ledger.before, str, lambda row: False, "rows"))
    assert rows == [f"r{number}" for number in range(count)]


def test_reading_ends_with_the_page_that_is_enough() -> None:
    ledger = Ledger(350)
    asyncio.run(read_by_id(ledger.before, str, lambda row: row == "r199", "rows"))
    assert ledger.questions == 2


@pytest.mark.parametrize("is_by_id", [True, False])
def test_a_list_without_an_end_is_an_error_that_says_what_to_do(
    is_by_id: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 3)
    ledger = Ledger(301)
    read = (
        read_by_id(ledger.before, str, lambda row: False, "fills")
        if is_by_id
        else read_by_skip(ledger.at, str, "fills")
    )
    with pytest.raises(TooManyRowsError, match="300 fills: give the engine's reconciliation_lookback_mins"):
        asyncio.run(read)
