"""The Helios strategy: propose what the model leans to, leave when it turns.

It only translates predictions into proposals; whether and how large is for the tiers to say.
"""

from collections.abc import Mapping

from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.plan import CloseReason, Side
from helios_nautilus.journal.bet_store import BetStore
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.messages import TOPIC_PREDICTIONS, Prediction, Proposal
from helios_nautilus.strategies.recovery import Volatility
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig


class HeliosStrategyConfig(TieredStrategyConfig, frozen=True, kw_only=True):
    """Configuration of `HeliosStrategy`.

    Parameters
    ----------
    allow_shorts
        False on spot without margin: a SELL then only closes.

    """

    allow_shorts: bool = False


class HeliosStrategy(TieredStrategy):
    """Acts on `Prediction` messages, whoever made them: the model in-line or a catalogue's replay."""

    def __init__(
        self,
        config: HeliosStrategyConfig,
        journal: Journal,
        store: BetStore | None = None,
        volatility: Volatility = lambda _name: None,
        past: Mapping[str, Bars] | None = None,
    ) -> None:
        super().__init__(config, journal, store, volatility, past)
        self._instrument_ids = frozenset(config.instrument_ids)

    def on_start(self) -> None:
        """Listen to predictions."""
        super().on_start()
        self.msgbus.subscribe(TOPIC_PREDICTIONS, self.on_prediction)

    def on_stop(self) -> None:
        """Stop listening."""
        self.msgbus.unsubscribe(TOPIC_PREDICTIONS, self.on_prediction)
        super().on_stop()

    def on_prediction(self, prediction: Prediction) -> None:
        """Propose an entry, leave a position, or say why neither."""
        instrument_id = prediction.instrument_id
        if instrument_id not in self._instrument_ids:
            return
        side = Side.LONG if prediction.p_buy >= prediction.p_sell else Side.SHORT
        if prediction.veto:
            self.note(prediction.decision_id, instrument_id, "dropped", prediction.veto, side)
            return
        bet = self.bets.on(instrument_id)
        if bet is not None:
            self._reconsider(prediction, side, bet.life.side)
            return
        reason = self._objection(instrument_id, side)
        if reason is not None:
            self.note(prediction.decision_id, instrument_id, "dropped", reason, side)
            return
        self.note(prediction.decision_id, instrument_id, "proposed", "directional", side)
        self.propose(self._proposal(prediction, side))

    def _objection(self, instrument_id: InstrumentId, side: Side) -> str | None:
        has_no_loan = side is Side.SHORT and not self.config.allow_shorts
        return self.objection(instrument_id) or ("no_shorts" if has_no_loan else None)

    def _reconsider(self, prediction: Prediction, side: Side, held: Side) -> None:
        """Leave a position when the other direction has become the model's first choice of the three."""
        p_against = prediction.p_sell if held is Side.LONG else prediction.p_buy
        turned = side is not held and p_against >= prediction.p_hold
        if turned and self.leave(prediction.instrument_id, CloseReason.SIGNAL):
            self.note(prediction.decision_id, prediction.instrument_id, "exit", "signal_turned", side)
        else:
            self.note(prediction.decision_id, prediction.instrument_id, "dropped", "position_open", side)

    def _proposal(self, prediction: Prediction, side: Side) -> Proposal:
        return Proposal(
            decision_id=prediction.decision_id,
            strategy_id=self.id.value,
            instrument_id=prediction.instrument_id,
            side=side,
            ts_ns=prediction.ts_event,
            price=prediction.price,
            p_buy=prediction.p_buy,
            p_sell=prediction.p_sell,
            p_hold=prediction.p_hold,
            model_id=prediction.model_id,
            attention=prediction.attention,
        )
