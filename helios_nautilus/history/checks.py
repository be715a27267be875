"""What a row must be before it is stored. A refusal names the file, the row and the column in one line."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.domain.bars import Bools, Floats, Ints
from helios_nautilus.domain.timeframe import name_timeframe
from helios_nautilus.errors import ImportFileError
from helios_nautilus.history.columns import BAR_COLUMNS, BarBlock

_LARGEST = 1e13
"""Near this the engine's prices and sizes end."""

_LARGEST_UNITS = 9e18
"""Where int64 ends."""

_NOISE = 1e-12
"""Relative error that arithmetic leaves on a decimal; beyond it a value is another value."""


class Grid(Struct, frozen=True, kw_only=True):
    """The decimals an instrument's prices and sizes have, and the units they move in."""

    instrument_id: str
    price_precision: int
    size_precision: int
    tick: int
    size_step: int

    @classmethod
    def of(cls, instrument: Instrument) -> "Grid":
        """The grid of an engine's instrument."""
        return cls(
            instrument_id=instrument.id.value,
            price_precision=instrument.price_precision,
            size_precision=instrument.size_precision,
            tick=int(instrument.price_increment.as_decimal().scaleb(instrument.price_precision)),
            size_step=int(instrument.size_increment.as_decimal().scaleb(instrument.size_precision)),
        )


class Place(Struct, frozen=True, kw_only=True):
    """Where a batch of rows stands in its file, to name a row by; row 1 is the first below any header."""

    file: str
    first_row: int
    columns: Sequence[str]
    """The file's own names of the stamp and of `BAR_COLUMNS`."""

    def refuse(self, row: int, column: int, words: str) -> ImportFileError:
        """The error for a row of the batch and a column counted like ``columns``."""
        return ImportFileError(
            f"{self.file}: row {self.first_row + row}, column {self.columns[column]}: {words}; nothing was written"
        )


def check_stamps(ts_ns: Ints, last_ns: int, length_ns: int, place: Place) -> None:
    """Closes rise strictly, also from the batch before (``last_ns``), and lie on the grid of the bar length."""
    previous = np.concatenate([[last_ns], ts_ns[:-1]])
    row = _first(ts_ns <= previous)
    if row is not None:
        what = "occurs twice" if ts_ns[row] == previous[row] else "is earlier than the one before it"
        raise place.refuse(row, 0, f"the stamp {what}")
    row = _first(ts_ns % length_ns != 0)
    if row is not None:
        raise place.refuse(
            row,
            0,
            f"the bar would close at {np.datetime64(int(ts_ns[row]), 'ns')}Z, off the grid of "
            f"{name_timeframe(length_ns)} bars (is --stamp or --bar right?)",
        )


def check_values(values: Floats, place: Place) -> None:
    """Prices are finite and above 0, volume is finite and not below 0, high and low enclose open and close."""
    possible = (values > 0.0) & (values < _LARGEST)
    possible[:, 4] |= values[:, 4] == 0.0
    cell = _first_cell(~possible)
    if cell is not None:
        raise place.refuse(cell[0], cell[1] + 1, f"{values[cell]:g} is not a possible {BAR_COLUMNS[cell[1]]}")
    opened, high, low, close, _ = values.T
    broken = np.column_stack([high < np.maximum(opened, close), low > np.minimum(opened, close)])
    cell = _first_cell(broken)
    if cell is not None:
        words = ("the high is below", "the low is above")[cell[1]]
        raise place.refuse(cell[0], cell[1] + 2, f"{words} the open or the close")


def to_units(ts_ns: Ints, values: Floats, grid: Grid, place: Place) -> BarBlock:
    """Count checked values in units; one off the instrument's tick or size step is refused, never rounded."""
    scales = np.array([10**grid.price_precision] * 4 + [10**grid.size_precision])
    steps = np.array([grid.tick] * 4 + [grid.size_step])
    scaled = values * scales
    cell = _first_cell(scaled > _LARGEST_UNITS)
    if cell is not None:
        raise place.refuse(
            cell[0], cell[1] + 1, f"{values[cell]:g} is too large for the decimals of {grid.instrument_id}"
        )
    units = np.rint(scaled).astype(np.int64)
    cell = _first_cell((np.abs(units / scales - values) > _NOISE * values) | (units % steps != 0))
    if cell is not None:
        raise place.refuse(cell[0], cell[1] + 1, _off_grid(float(values[cell]), cell[1] == 4, grid))
    return BarBlock(ts_ns=ts_ns, units=units)


def _off_grid(value: float, is_volume: bool, grid: Grid) -> str:
    step, field, increment = (
        ("size step", "size_increment", grid.size_step / 10**grid.size_precision)
        if is_volume
        else ("tick", "price_increment", grid.tick / 10**grid.price_precision)
    )
    return (
        f"{value!r} is not a multiple of {grid.instrument_id}'s {step} {increment:g}; import it under the instrument "
        f"it was recorded from, or give a finer {field} in a file with --instruments"
    )


def _first(broken: Bools) -> int | None:
    """Index of the first True."""
    row = int(np.argmax(broken))
    return row if broken[row] else None


def _first_cell(broken: Bools) -> tuple[int, int] | None:
    """Row and column of the first True, row by row."""
    at = _first(broken.ravel())
    return None if at is None else divmod(at, broken.shape[1])
