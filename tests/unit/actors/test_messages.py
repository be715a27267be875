import pytest
from nautilus_trader.model.data import BarType

from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.decision.policy import GateVerdict
from helios_nautilus.messages import Dossier, Stage, decision_id_of
from tests.fakes import BTC, at, prediction, proposal, terms


@pytest.mark.parametrize(
    ("timeframe", "name"),
    [
        ("1m", "BTCZAR.VALR-1-MINUTE-LAST-EXTERNAL"),
        ("5m", "BTCZAR.VALR-5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL"),
        ("1h", "BTCZAR.VALR-1-HOUR-LAST-INTERNAL@1-MINUTE-EXTERNAL"),
        ("1d", "BTCZAR.VALR-1-DAY-LAST-INTERNAL@1-MINUTE-EXTERNAL"),
    ],
)
def test_recorded_bars_are_external_and_longer_ones_are_made_of_them(timeframe: str, name: str) -> None:
    assert bar_type(BTC, timeframe, "1m") == BarType.from_str(name)


def test_the_same_length_written_otherwise_is_the_recorded_one() -> None:
    assert bar_type(BTC, "60m", "1h") == BarType.from_str("BTCZAR.VALR-1-HOUR-LAST-EXTERNAL")


def test_a_decision_is_named_after_its_pair_and_the_minute_of_its_close() -> None:
    assert decision_id_of(BTC.value, at(5)) == "BTCZAR.VALR-20260105T0005"


def test_a_prediction_survives_the_catalogues_format() -> None:
    said = prediction(p_buy=0.6, p_sell=0.25)

    assert type(said).from_dict(said.to_dict()) == said
    assert said.attention == (0.5, 0.3, 0.2)


def test_every_stage_has_its_own_endpoint() -> None:
    assert [stage.endpoint for stage in Stage] == ["Helios.aether", "Helios.gate", "Helios.guardian"]


def test_what_no_tier_has_said_yet_cannot_be_asked_for() -> None:
    dossier = Dossier(proposal=proposal())

    with pytest.raises(LookupError, match="not sized yet"):
        _ = dossier.known_sizing
    with pytest.raises(LookupError, match="no terms yet"):
        _ = dossier.known_terms


def test_after_the_gate_a_dossier_holds_the_terms_it_left() -> None:
    verdict = GateVerdict(
        decision="MODIFY", terms=terms(notional=1.0), multiplier=0.1, risk_flags=(), reasoning="A test."
    )

    after = Dossier(proposal=proposal(), terms=terms()).judged(verdict)

    assert (after.terms, after.verdict) == (terms(notional=1.0), verdict)
