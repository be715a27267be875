"""Steering: the emergency stop, reduce-only and clear, and the switches of auto-trading and of each tier.

A page draws as enabled only what its visitor may order; the server asks again all the same. What is shown of a switch
is what the node says of it, never what was asked for. What tightens is done at a click; what loosens asks for a reason.
"""

from typing import Final

from helios_nautilus.dashboard.pages import rows
from helios_nautilus.dashboard.pages.ask import Ask, allow, button
from helios_nautilus.dashboard.pages.feed import Picture
from helios_nautilus.dashboard.pages.live import Words, panel, set_attribute, tag
from helios_nautilus.dashboard.pages.orders import Acknowledgement, Desk
from helios_nautilus.dashboard.pages.overview import Show
from helios_nautilus.dashboard.pages.sheet import Sheet
from helios_nautilus.journal.commands import Tier, Verb
from helios_nautilus.journal.status import NodeStatus

_SWITCHES: Final[dict[Tier | None, tuple[str, str]]] = {
    None: ("Auto-trading", "new entries as a whole; exits go on in any case"),
    "prediction": ("Prediction", "off: no new entries"),
    "aether": ("Aether", "sizing; off: no new entries"),
    "gate": ("LLM gate", "off: proposals pass it unasked, and the journal says so"),
}


class EmergencyStop:
    """The red button and its confirmation: two clicks, on every page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._node: NodeStatus | None = None
        self._ask = Ask(f"Stop {desk.mode.upper()} trading now?", "Stop and flatten", self._stop, is_danger=True)
        self._button = button("Emergency stop", self._open, "danger")
        allow(self._button, desk.helm.refusal("halt"))

    def show(self, picture: Picture) -> None:
        """Know what there is to be closed."""
        self._node = picture.node

    def _open(self) -> None:
        held = len(self._node.positions) if self._node is not None else 0
        self._ask.open(
            f"Working entries are cancelled, open positions ({held} now) are closed at the market, and nothing is "
            "entered until a human clears it."
        )

    async def _stop(self, who: str, _: str) -> None:
        await self._desk.order("halt", None, who, "emergency stop on the dashboard", self._ask.acknowledgement)


class _Switch:
    """Auto-trading or one tier: on or off, as the node says."""

    def __init__(self, desk: Desk, tier: Tier | None, acknowledgement: Acknowledgement) -> None:
        self._desk, self._tier, self._acknowledgement = desk, tier, acknowledgement
        self._off, self._on = _verbs(tier)
        self._is_on: bool | None = None
        name, tells = _SWITCHES[tier]
        self._ask = Ask(f"Switch {name} on?", "Switch on", self._loosen, wants_reason="Why")
        with tag("div"):
            Words(name, classes="name")
            Words(tells, classes="muted small tells")
            self._button = button("–", self._turn, "toggle")
        self._button.classes(remove="act")
        self._button.props.update({"role": "switch", "aria-label": name})

    def show(self, picture: Picture) -> None:
        """Show how it stands."""
        self._is_on = None if picture.node is None else _is_on(picture.node, self._tier)
        if self._is_on is None:
            self._button.say("unknown")
            allow(self._button, "no node has told anything yet")
            return
        self._button.say("on" if self._is_on else "OFF")
        set_attribute(self._button, "aria-checked", "true" if self._is_on else "false")
        allow(self._button, self._desk.helm.refusal(self._off if self._is_on else self._on))

    async def _turn(self) -> None:
        if self._is_on:
            why = "switched off on the dashboard"
            await self._desk.order(self._off, self._tier, "", why, self._acknowledgement)
        else:
            self._ask.open(
                "The node obeys at once; what still forbids entries goes on forbidding them.", self._desk.helm.who
            )

    async def _loosen(self, who: str, why: str) -> None:
        await self._desk.order(self._on, self._tier, who, why, self._ask.acknowledgement)


class _KillSwitch:
    """Where the kill switch stands, reduce-only, and clear."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reduce = Ask(f"Reduce only in {desk.mode.upper()}?", "Reduce only", self._tighten, is_danger=True)
        self._clear = Ask(
            "Clear the kill switch?",
            "Clear",
            self._loosen,
            wants_reason="Why is it safe",
            option="Forgive the loss: peak and day's start of equity are set to now",
        )
        with tag("div", "body"), tag("div", "stack"):
            self._state = Words(tag="p", classes="state")
            self._words = Words(tag="p", classes="muted")
            with tag("div", "row"):
                self.stop = EmergencyStop(desk)
                self._reduce_button = button("Reduce only…", self._ask_reduce)
                self._clear_button = button("Clear…", self._ask_clear)

    def show(self, picture: Picture) -> None:
        """Show how it stands."""
        self.stop.show(picture)
        node = picture.node
        state = "unknown" if node is None else node.kill_state
        self._state.say(state.replace("_", " "), tone={"NORMAL": "gain", "HALT": "alarm"}.get(state, "warn"))
        self._words.say(
            "no node has told anything yet" if node is None else node.kill_words or "entries are not held back"
        )
        helm = self._desk.helm
        allow(self._reduce_button, helm.refusal("reduce_only"))
        is_down = node is not None and node.kill_state != "NORMAL"
        allow(self._clear_button, helm.refusal("resume") or ("" if is_down else "there is nothing to clear"))

    def _ask_reduce(self) -> None:
        self._reduce.open("No new entries until it is cleared; open positions keep their stops, targets and time-outs.")

    def _ask_clear(self) -> None:
        self._clear.open("Entries are allowed again, as far as everything else allows them.", self._desk.helm.who)

    async def _tighten(self, who: str, _: str) -> None:
        await self._desk.order("reduce_only", None, who, "reduce only on the dashboard", self._reduce.acknowledgement)

    async def _loosen(self, who: str, why: str) -> None:
        told, rebase = self._clear.acknowledgement, self._clear.is_ticked
        await self._desk.order("resume", None, who, why, told, rebase=rebase)


def build_controls(desk: Desk) -> list[Show]:
    """Build the page; what is returned shows a picture in it."""
    with tag("div", "panels"):
        with tag("div"):
            with panel("Kill switch", "kill-switch"):
                kill = _KillSwitch(desk)
            commands = _commands()
        with tag("div"), panel("Switches", "switches", "as the node says"):
            acknowledgement = Acknowledgement()
            with tag("div", "switches"):
                switches = [_Switch(desk, tier, acknowledgement) for tier in _SWITCHES]
                _guardian()
    return [kill.show, commands, *(switch.show for switch in switches)]


def _guardian() -> None:
    with tag("div"):
        Words("Guardian", classes="name")
        Words("checks every entry; it cannot be switched off", classes="muted small tells")
        Words("always on", classes="chip fine")


def _commands() -> Show:
    with panel("Commands", "commands", "what operators ordered, and what the node made of it"):
        sheet = Sheet("Commands", rows.COMMAND_COLUMNS, "nothing has been ordered yet")

    def show(picture: Picture) -> None:
        if picture.present is not None:
            sheet.show(rows.command_rows(picture.present.commands, picture.now_ns))

    return show


def _verbs(tier: Tier | None) -> tuple[Verb, Verb]:
    return ("entries_off", "entries_on") if tier is None else ("tier_off", "tier_on")


def _is_on(node: NodeStatus, tier: Tier | None) -> bool | None:
    if tier is None:
        return node.entries_on
    return next((known.is_on for known in node.tiers if known.tier == tier), None)
