"""Obeys an operator on the engine's thread: the kill switch through Guardian, and switches of its own."""

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig

from helios_nautilus.domain.portfolio.kill_switch import KillState, KillSwitch
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.command_files import Letter
from helios_nautilus.journal.commands import Answer, Command, Outcome
from helios_nautilus.journal.controls_file import Controls, Switchable
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord, Mode
from helios_nautilus.messages import TOPIC_CONTROLS, ControlsChanged

type OnAnswer = Callable[[Answer], None]
"""Hears what was made of each command, on the engine's thread: it must not wait."""


class KillDesk(Protocol):
    """What the operator needs of Guardian."""

    kill_switch: KillSwitch

    @property
    def last_mark(self) -> EquityMark | None:
        """The newest mark of equity."""
        ...

    def operate(self, state: KillState, who: str, why: str) -> None:
        """Tighten the switch."""
        ...

    def clear(self, who: str, why: str, *, rebase: bool = False) -> None:
        """Let trading go on; raises as `KillSwitch.clear` does."""
        ...


class ControlsStore(Protocol):
    """Where the switches survive a restart."""

    def load(self) -> Controls:
        """The switches saved last. Never raises."""
        ...

    def save(self, controls: Controls) -> None:
        """Keep them; raises `OSError` if it cannot."""
        ...


class OperatorConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `Operator`: whose commands it obeys, and the run whose answers it gives."""

    mode: Mode
    run_id: str


class Operator(Actor):
    """Obeys each letter that `receive` gets, before the start too, journals it and answers it; see the module.

    Parameters
    ----------
    config
        See `OperatorConfig`.
    journal
        Takes every command, with who gave it and what became of it.
    guardian
        Holds the kill switch.
    store
        Where the switches survive a restart.
    on_answer
        See `OnAnswer`.
    wall_ns
        This machine's time, nanoseconds UTC: commands are stamped by it, also where the engine's is another.

    """

    def __init__(
        self,
        config: OperatorConfig,
        journal: Journal,
        guardian: KillDesk,
        store: ControlsStore,
        on_answer: OnAnswer,
        wall_ns: Callable[[], int],
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._guardian = guardian
        self._store = store
        self._on_answer = on_answer
        self._wall_ns = wall_ns
        self.controls = store.load()

    def on_start(self) -> None:
        """Say how the switches stand, once the strategies listen: they start after the actors."""
        self.clock.set_time_alert_ns("HELIOS-CONTROLS", self.clock.timestamp_ns(), lambda _event: self._publish())

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def receive(self, letter: Letter) -> None:
        """Obey, refuse or let expire, and answer; whatever a letter holds, nothing is raised."""
        try:
            command = letter.read()
        except ValueError as error:
            self._answer(letter.command_id, "refused", str(error), given="by a stranger")
            return
        outcome, words = self._judge(command)
        given = f"{_name(command)} by {command.who} ({command.origin}): {command.why}"
        self._answer(command.command_id, outcome, words, given)

    def _judge(self, command: Command) -> tuple[Outcome, str]:
        now_ns = self._wall_ns()
        if command.mode != self.config.mode:
            return "refused", f"it is for a {command.mode} node, and this is a {self.config.mode} node"
        if command.has_expired(now_ns):
            age = (now_ns - command.ts_ns) / NS_PER_SEC
            return "expired", f"it was given {age:,.0f} s ago; what loosens is to be given to a node that runs"
        try:
            return "done", self._obey(command)
        except (HeliosError, OSError) as error:
            return "refused", str(error)

    def _obey(self, command: Command) -> str:
        """What was done; `HeliosError` or `OSError` says why nothing was."""
        match command.verb:
            case "halt":
                return self._tighten(KillState.HALT, command)
            case "reduce_only":
                return self._tighten(KillState.REDUCE_ONLY, command)
            case "resume":
                return self._loosen(command)
            case "entries_on" | "entries_off":
                return self._switch(replace(self.controls, entries_on=command.verb == "entries_on"), command)
            case "tier_on" | "tier_off":
                return self._switch_tier(command)

    # The kill switch

    def _tighten(self, state: KillState, command: Command) -> str:
        before = self._guardian.kill_switch.status
        if before.state.level >= state.level:
            return f"it stands at {before.state} already: {before.words}"
        self._guardian.operate(state, command.who, command.why or "no reason given")
        return f"{state}: {self._held() if state is KillState.HALT else 'no new entries, stops and targets stay'}"

    def _held(self) -> str:
        """What a halt closes."""
        orders = self.cache.orders_open_count() + self.cache.orders_inflight_count()
        positions = sorted(self.cache.positions_open(), key=lambda position: position.id.value)
        names = ", ".join(
            f"{position.side.name} {position.quantity} {position.instrument_id}" for position in positions
        )
        return f"closing {names or 'nothing, for nothing is held'}; orders at work: {orders}"

    def _loosen(self, command: Command) -> str:
        desk = self._guardian
        before, mark = desk.kill_switch.status, desk.last_mark
        past = frozenset() if mark is None or command.rebase else desk.kill_switch.crossed(mark)
        if mark is not None and past:
            raise HeliosError(
                f"still past its limit: {', '.join(sorted(past))} (drawdown {mark.drawdown:.2%}, lost today "
                f"{mark.daily_loss:.2%}): it would stop again. Resume with rebase to measure both from now on"
            )
        if command.rebase and mark is None:
            raise HeliosError("there is no equity yet to measure from: resume again once the node is ready")
        if before.state is KillState.NORMAL and not command.rebase:
            return "it stands at NORMAL already"
        desk.clear(command.who, command.why, rebase=command.rebase)
        forgiven = ", peak and day's start are the equity of now" if command.rebase else ""
        return f"NORMAL: {before.state} is cleared{forgiven}"

    # The switches

    def _switch_tier(self, command: Command) -> str:
        if command.tier is None or command.tier == "guardian":
            raise HeliosError("Guardian bounds every loss and cannot be switched; 'helios kill' stops trading")
        tier: Switchable = command.tier
        off = self.controls.off - {tier} if command.verb == "tier_on" else self.controls.off | {tier}
        return self._switch(replace(self.controls, off=off), command)

    def _switch(self, wanted: Controls, command: Command) -> str:
        wanted = replace(wanted, words=f"{_name(command)} by {command.who}: {command.why}")
        unsaved = ""
        try:
            self._store.save(wanted)
        except OSError as error:
            if not command.tightens:
                raise
            unsaved = f" (not stored, a restart would forget it: {error})"
        self.controls = wanted
        self._publish()
        return describe(wanted) + unsaved

    def _publish(self) -> None:
        controls = self.controls
        self.msgbus.publish(
            TOPIC_CONTROLS,
            ControlsChanged(ts_ns=self.clock.timestamp_ns(), entries_on=controls.entries_on, off=controls.off),
        )

    def _answer(self, command_id: str, outcome: Outcome, words: str, given: str) -> None:
        said = f"{given}; {outcome}: {words}"
        self.log.warning(f"Command {said}")
        self.journal.append(
            EventRecord(ts_ns=self.clock.timestamp_ns(), kind="command", words=f"{said} [{command_id}]")
        )
        self._on_answer(
            Answer(
                command_id=command_id,
                ts_ns=self._wall_ns(),
                run_id=self.config.run_id,
                outcome=outcome,
                words=words,
            )
        )


def _name(command: Command) -> str:
    return f"{command.verb} {command.tier}" if command.tier else command.verb


def describe(controls: Controls) -> str:
    """How the switches stand, in a sentence."""
    shut = sorted(controls.off - {"gate"})
    parts = ["entries are off" if not controls.entries_on else "entries are on"]
    if shut:
        parts.append(f"{' and '.join(shut)} off: nothing is entered")
    if "gate" in controls.off:
        parts.append("the gate is off: proposals pass it unasked")
    return "; ".join(parts)
