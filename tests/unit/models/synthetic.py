"""Small seeded training sets whose labels depend on the features in a known way, or not at all."""

import numpy as np
import torch

from helios_nautilus.domain.labels import Label, LabelConfig
from helios_nautilus.domain.payoff import fit_payoff
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, Timeframes
from helios_nautilus.models.checkpoint import Model, ModelCard, build_model
from helios_nautilus.models.dataset import Arrays, Scaler, Series, Span, Splits
from helios_nautilus.models.evaluate import evaluate
from helios_nautilus.models.network import HeliosNetwork, NetworkConfig, count_parameters
from helios_nautilus.models.profile import fit_profile
from helios_nautilus.models.rivals import Standing
from helios_nautilus.models.train import TrainConfig

START_NS = 19_700 * NS_PER_DAY
N_FEATURES = 3
TINY = NetworkConfig(lstm_layers=1, gru_layers=1, lstm_width=8, gru_width=8, dense_width=8, dropout=0.0)
QUICK = TrainConfig(epochs=4, batch_size=8, piece_blocks=32, chunk_blocks=8, learning_rate=0.02, device="cpu")


def make_arrays(
    *, hours: int = 96, n: int = 2, signal: float = 1.0, seed: int = 0, timeframes: Timeframes | None = None
) -> Arrays:
    """Features are noise; the first one of the decision timeframe says the label, as strongly as ``signal``."""
    timeframes = timeframes or Timeframes()
    rng = np.random.default_rng(seed)
    series = {}
    for name, length in zip(timeframes.names, timeframes.lengths_ns, strict=True):
        rows = hours * NS_PER_HOUR // length
        series[name] = Series(
            ts_ns=START_NS + length * np.arange(1, rows + 1),
            x=rng.standard_normal((rows, n, N_FEATURES)).astype(np.float32),
            ready=np.ones((rows, n), dtype=bool),
        )
    decided = series[timeframes.decision]
    score = signal * decided.x[:, :, 0] + rng.standard_normal(decided.ready.shape)
    label = np.full(score.shape, Label.HOLD, dtype=np.int8)
    label[score > 0.5], label[score < -0.5] = Label.BUY, Label.SELL
    return Arrays(
        timeframes=timeframes,
        instrument_ids=tuple(f"COIN{index}.VALR" for index in range(n)),
        series=(series[timeframes.high], series[timeframes.medium], series[timeframes.low]),
        ts_ns=decided.ts_ns,
        label=label,
        taker_long=0.01 * score - 0.002,
        taker_short=-0.01 * score - 0.002,
        maker_long=0.01 * score - 0.001,
        maker_short=-0.01 * score - 0.001,
        vol_daily=np.full(score.shape, 0.03),
        plan=ExitPlan(hold_mins=60, max_hold_mins=60),
        label_config=LabelConfig(),
        spec={"version": 1, "columns": ["a", "b", "c"]},
        spec_hash="spec-of-the-test",
        data_hash="data-of-the-test",
    )


def make_model(arrays: Arrays, *, seed: int = 0, network: NetworkConfig = TINY) -> Model:
    """A model with random weights, large enough that what it says clearly depends on what it saw."""
    rng = np.random.default_rng(seed)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = HeliosNetwork(network, arrays.n_features, arrays.timeframes)
        with torch.no_grad():
            for each in net.parameters():
                each.mul_(2.0)
    none, p = np.zeros(0), np.full((0, 3), 1 / 3)
    metrics = evaluate(p, none.astype(np.int8), none, none, prior=(0.3, 0.4, 0.3))
    span = Span(start_ns=START_NS, end_ns=START_NS + NS_PER_DAY)
    columns = rng.uniform(-0.5, 0.5, (3, arrays.n_features)).tolist()
    scaler = Scaler(mean=tuple(map(tuple, columns)), std=((1.5,) * arrays.n_features,) * 3)
    card = ModelCard(
        helios_version="0",
        created_ns=0,
        network=network,
        n_features=arrays.n_features,
        parameters=count_parameters(net),
        timeframes=arrays.timeframes,
        plan=arrays.plan,
        label=arrays.label_config,
        instrument_ids=arrays.instrument_ids,
        spec=arrays.spec,
        spec_hash=arrays.spec_hash,
        scaler=scaler,
        profile=fit_profile(arrays, scaler, Span(start_ns=0, end_ns=int(arrays.ts_ns[-1]))),
        temperature=1.3,
        payoff=fit_payoff(none, none, none, none, np.zeros(0, dtype=np.int64), hold_ns=arrays.plan.hold_ns),
        prior=(0.3, 0.4, 0.3),
        data_hash=arrays.data_hash,
        data_start_ns=int(arrays.ts_ns[0]),
        data_end_ns=int(arrays.ts_ns[-1]),
        splits=Splits(train=span, validation=span, test=span),
        seed=seed,
        code_commit=None,
        training={},
        validation_metrics=metrics,
        test_metrics=metrics,
        raw_test_metrics=metrics,
        standing=Standing(days=0, rivals=()),
        log=(),
    )
    return build_model(net, card)
