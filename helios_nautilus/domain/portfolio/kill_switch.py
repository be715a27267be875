"""The kill switch: a latch that only tightens by itself and is loosened by a human alone.

It decides *that* trading stops. Cancelling, flattening and journalling are the caller's part, who acts on every
`KillStatus` returned here: REDUCE_ONLY means no new entries, HALT means cancel working entries, flatten, then stop.
"""

from enum import StrEnum
from math import inf, isnan
from typing import Final, Protocol

from msgspec import Struct

from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.errors import ConfigError, HeliosError


class KillState(StrEnum):
    """How far trading is stopped."""

    NORMAL = "NORMAL"
    REDUCE_ONLY = "REDUCE_ONLY"
    HALT = "HALT"

    @property
    def level(self) -> int:
        """0, 1 or 2: the higher, the more is forbidden."""
        return list(KillState).index(self)


class Trigger(StrEnum):
    """What moved the switch."""

    DRAWDOWN = "DRAWDOWN"
    DAILY_LOSS = "DAILY_LOSS"
    PIPELINE_ERRORS = "PIPELINE_ERRORS"
    STALE_DATA = "STALE_DATA"
    RECONCILIATION = "RECONCILIATION"
    OPERATOR = "OPERATOR"
    CLEARED = "CLEARED"
    STORE = "STORE"
    """The stored state could not be read."""


_CURES: Final[dict[Trigger, str]] = {
    Trigger.DRAWDOWN: "find out what lost it, then 'helios resume --rebase' measures from then on",
    Trigger.DAILY_LOSS: "'helios resume' after 00:00 UTC, or with --rebase before",
    Trigger.PIPELINE_ERRORS: "mend that tier, then 'helios resume'",
    Trigger.STALE_DATA: "look at the line to the venue, then 'helios resume'",
    Trigger.RECONCILIATION: "then 'helios resume'",
}
"""What a human does about it."""


class KillStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The latched state and why it is what it is; what survives a restart."""

    state: KillState = KillState.NORMAL
    trigger: Trigger | None = None
    words: str = ""
    ts_ns: int = 0
    """When the switch moved last; 0 if it never did."""


class KillStore(Protocol):
    """Where the status survives a restart."""

    def load(self) -> KillStatus:
        """The status saved last, NORMAL if there never was one, HALT if it cannot be read. Never raises."""
        ...

    def save(self, status: KillStatus) -> None:
        """Keep ``status`` for good; raises `OSError` if it cannot."""
        ...


class MemoryKillStore:
    """Keeps the status as long as the process lives: for backtests and tests."""

    def __init__(self, status: KillStatus | None = None) -> None:
        self._status = status or KillStatus()

    def load(self) -> KillStatus:
        """The status saved last."""
        return self._status

    def save(self, status: KillStatus) -> None:
        """Remember ``status``."""
        self._status = status


class KillSwitchRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the switch moves, and how far.

    What says that our picture or our edge is wrong (drawdown, an account that differs from the venue's) halts; what
    asks for a pause (a bad day, errors, blind spots) lets open positions run to their stops.
    """

    max_drawdown: float = 0.15
    max_daily_loss: float = 0.05
    max_pipeline_errors: int = 5
    """Errors in a row that move the switch."""
    max_data_age_secs: float = 300.0
    on_drawdown: KillState = KillState.HALT
    on_daily_loss: KillState = KillState.REDUCE_ONLY
    on_pipeline_errors: KillState = KillState.REDUCE_ONLY
    on_stale_data: KillState = KillState.REDUCE_ONLY
    on_mismatch: KillState = KillState.HALT

    def __post_init__(self) -> None:
        if not (0 < self.max_drawdown < 1 and 0 < self.max_daily_loss < 1):
            raise ConfigError("kill switch: max_drawdown and max_daily_loss must lie between 0 and 1")
        if self.max_pipeline_errors < 1 or not self.max_data_age_secs > 0:
            raise ConfigError("kill switch: max_pipeline_errors and max_data_age_secs must be above 0")
        for name in ("on_drawdown", "on_daily_loss", "on_pipeline_errors", "on_stale_data", "on_mismatch"):
            if getattr(self, name) is KillState.NORMAL:
                raise ConfigError(f"kill switch: {name} must be REDUCE_ONLY or HALT; a trigger cannot be turned off")


class KillSwitch:
    """Latched NORMAL -> REDUCE_ONLY -> HALT.

    Every ``on_*`` method and `stop` return the new status if the switch moved, else None. By itself the switch only
    escalates; `clear` is the one way back. A status is latched in memory before it is stored, so that a full disk
    cannot keep trading alive; a store that fails is said in the words.
    """

    def __init__(self, rules: KillSwitchRules, store: KillStore) -> None:
        self._rules = rules
        self._store = store
        self._status = store.load()
        self._errors_in_a_row = 0

    @property
    def status(self) -> KillStatus:
        """The latched status."""
        return self._status

    @property
    def state(self) -> KillState:
        """The latched state."""
        return self._status.state

    @property
    def errors_in_a_row(self) -> int:
        """Pipeline errors since a decision last went through all of its tiers."""
        return self._errors_in_a_row

    def crossed(self, mark: EquityMark) -> frozenset[Trigger]:
        """Which of its limits equity is past."""
        drawdown = {Trigger.DRAWDOWN} if mark.drawdown > self._rules.max_drawdown else set()
        daily_loss = {Trigger.DAILY_LOSS} if mark.daily_loss > self._rules.max_daily_loss else set()
        return frozenset(drawdown | daily_loss)

    def on_equity(self, mark: EquityMark) -> KillStatus | None:
        """A new mark of equity; reaching a limit is not yet past it."""
        rules, crossed = self._rules, self.crossed(mark)
        moved = None
        if Trigger.DRAWDOWN in crossed:
            words = f"equity is {mark.drawdown:.2%} below its peak, limit {rules.max_drawdown:.2%}"
            moved = self._escalate(rules.on_drawdown, Trigger.DRAWDOWN, words, mark.ts_ns)
        if Trigger.DAILY_LOSS in crossed:
            words = f"lost {mark.daily_loss:.2%} since 00:00 UTC, limit {rules.max_daily_loss:.2%}"
            moved = self._escalate(rules.on_daily_loss, Trigger.DAILY_LOSS, words, mark.ts_ns) or moved
        return moved

    def on_pipeline_ok(self) -> None:
        """A decision went through all of its tiers: the count of errors starts again."""
        self._errors_in_a_row = 0

    def on_pipeline_error(self, what: str, ts_ns: int) -> KillStatus | None:
        """A tier failed; ``what`` says how, for the journal."""
        self._errors_in_a_row += 1
        if self._errors_in_a_row < self._rules.max_pipeline_errors:
            return None
        words = f"{self._errors_in_a_row} pipeline errors in a row, the last: {what}"
        return self._escalate(self._rules.on_pipeline_errors, Trigger.PIPELINE_ERRORS, words, ts_ns)

    def on_data_age(self, age_secs: float | None, *, has_positions: bool, ts_ns: int) -> KillStatus | None:
        """Age of the newest data of the instruments held; None (none ever came) counts as stale."""
        limit = self._rules.max_data_age_secs
        age = inf if age_secs is None or isnan(age_secs) else age_secs
        if not has_positions or age <= limit:
            return None
        found = "missing" if age == inf else f"{age:.0f} s old"
        words = f"market data are {found} with positions open, limit {limit:.0f} s"
        return self._escalate(self._rules.on_stale_data, Trigger.STALE_DATA, words, ts_ns)

    def on_mismatch(self, what: str, ts_ns: int) -> KillStatus | None:
        """Reconciliation found that our books and the venue's differ; ``what`` says where."""
        words = f"reconciliation mismatch: {what}"
        return self._escalate(self._rules.on_mismatch, Trigger.RECONCILIATION, words, ts_ns)

    def stop(self, state: KillState, *, who: str, why: str, ts_ns: int) -> KillStatus | None:
        """An operator tightens the switch; NORMAL never loosens it, see `clear`."""
        return self._escalate(state, Trigger.OPERATOR, f"{state} by {who}: {why}", ts_ns)

    def clear(self, *, who: str, why: str, ts_ns: int) -> KillStatus:
        """Back to NORMAL: a human's act, with a name and a reason (else `HeliosError`).

        Stored before it counts, so a store that fails (`OSError`) leaves the switch latched. A figure still past its
        limit moves the switch again at its next mark; see `EquityTracker.rebase`.
        """
        if not who.strip() or not why.strip():
            raise HeliosError("the kill switch is cleared by a human only: say who clears it and why")
        words = f"{self.state} cleared by {who}: {why}"
        status = KillStatus(trigger=Trigger.CLEARED, words=words, ts_ns=ts_ns)
        self._store.save(status)
        self._status = status
        self._errors_in_a_row = 0
        return status

    def _escalate(self, state: KillState, trigger: Trigger, words: str, ts_ns: int) -> KillStatus | None:
        if state.level <= self.state.level:
            return None
        words = f"{words}; {_CURES[trigger]}" if trigger in _CURES else words
        self._status = KillStatus(state=state, trigger=trigger, words=words, ts_ns=ts_ns)
        try:
            self._store.save(self._status)
        except OSError as error:
            unsaved = f"{words} (not stored, a restart would forget it: {error})"
            self._status = KillStatus(state=state, trigger=trigger, words=unsaved, ts_ns=ts_ns)
        return self._status
