"""The gate on trial: ``python -m benchmarks.promotion``. What it lets pass on markets whose worth is known.

On every seed two synthetic markets are made, an efficient one (strength 0) and one with momentum (the default), a
small network is trained and judged on each, and the gate is asked. It should refuse the first sort in at least 19 of
20, and find the edge in the second.
"""

import sys
from collections.abc import Sequence
from typing import Final

import click
from msgspec import Struct

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.plan import Costs, ExitPlan
from helios_nautilus.domain.risk.volatility import VolatilityRules
from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.history.arrays import build_arrays
from helios_nautilus.models.dataset import Arrays, SplitConfig, split_by_share
from helios_nautilus.models.network import NetworkConfig
from helios_nautilus.models.promotion import find_objections
from helios_nautilus.models.recipe import train_model
from helios_nautilus.models.rivals import Standing
from helios_nautilus.models.train_config import TrainConfig
from helios_nautilus.simulator.market import MarketConfig, simulate_market

EFFICIENT: Final = 0.0
MOMENTUM: Final = MarketConfig().strength
WANTED_SHARE: Final = 19 / 20

_DAYS: Final = 160
_SPLIT: Final = SplitConfig(train=0.5, validation=0.2)
_TIMEFRAMES: Final = Timeframes(high="15m", medium="30m", low="1h", decision="15m")
_PLAN: Final = ExitPlan(
    hold_mins=240,
    stop_sigmas=0.5,
    target_ratio=1.0,
    costs=Costs(taker_fee=0.0, maker_fee=0.0, half_spread=0.0, slippage=0.0),
)
"""Stop and target as near as each other, so that few days hold many bets; without costs, so that one side always wins:
what is asked is whether the model knows which."""
_NETWORK: Final = NetworkConfig(lstm_layers=1, gru_layers=1, lstm_width=16, gru_width=16, dense_width=16, dropout=0.3)
"""Eighty days of three pairs that move together are few: a network of more than this learns them by heart."""
_TRAINING: Final = TrainConfig(
    epochs=20,
    patience=6,
    batch_size=8,
    learning_rate=1e-3,
    piece_blocks=48,
    chunk_blocks=12,
    weight_decay=2.0,
    class_balance=0.0,
    device="cpu",
)


class Trial(Struct, frozen=True, kw_only=True):
    """What the gate said of a model of one market."""

    seed: int
    strength: float
    standing: Standing
    objections: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """It may be put in charge."""
        return not self.objections


@click.command()
@click.option("--seeds", default=20, show_default=True, help="How many.")
@click.option("--first", default=1, show_default=True, help="The first of them.")
def main(seeds: int, first: int) -> None:
    """Ask the gate about a model of an efficient market and of one with momentum, for every seed."""
    trials = []
    for seed in range(first, first + seeds):
        for strength in (EFFICIENT, MOMENTUM):
            trials.append(try_gate(seed, strength))
            _tell(trials[-1])
    sys.exit(0 if _sum_up(trials) else 1)


def try_gate(seed: int, strength: float) -> Trial:
    """Make a market, train on its first weeks, judge on its last, and ask the gate."""
    arrays = _make_arrays(seed, strength)
    model = train_model(arrays, split_by_share(arrays, _SPLIT), _NETWORK, _TRAINING, created_ns=0)
    card = model.card
    return Trial(seed=seed, strength=strength, standing=card.standing, objections=find_objections(card))


def _make_arrays(seed: int, strength: float) -> Arrays:
    market = simulate_market(MarketConfig(seed=seed, days=_DAYS, strength=strength, trades_days=0))
    spec = FeatureSpec(universe=tuple(market), reference="BTCZAR.VALR", timeframes=_TIMEFRAMES)
    instruments = {name: build_instrument(name) for name in market}
    return build_arrays(spec, market, instruments, _PLAN, LabelConfig(), VolatilityRules())


def _tell(trial: Trial) -> None:
    standing = trial.standing
    leads = {rival.name: rival.lead for rival in standing.rivals} | {"edge": standing.edge}
    figures = "  ".join(
        f"{name} {lead.estimate:+.4f} ({lead.low:+.4f} to {lead.high:+.4f})" for name, lead in leads.items() if lead
    )
    click.echo(
        f"seed {trial.seed:3}  strength {trial.strength:g}  {'passed ' if trial.passed else 'refused'}  {figures}"
    )


def _sum_up(trials: Sequence[Trial]) -> bool:
    """Say what the gate did; whether it refused as often as it should and found an edge more often than not."""
    efficient, momentum = ([trial for trial in trials if trial.strength == each] for each in (EFFICIENT, MOMENTUM))
    refused, found = sum(not trial.passed for trial in efficient), sum(trial.passed for trial in momentum)
    click.echo(
        f"strength {EFFICIENT:g}: refused {refused} of {len(efficient)}; "
        f"strength {MOMENTUM:g}: passed {found} of {len(momentum)}"
    )
    return refused >= WANTED_SHARE * len(efficient) and found > len(momentum) / 2


if __name__ == "__main__":
    main()
