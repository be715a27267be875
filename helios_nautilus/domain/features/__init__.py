"""Tier 1: the 90 features, from one compiled kernel for training, backtest and live trading."""

from helios_nautilus.domain.features.kernel import WARM_UP
from helios_nautilus.domain.features.series import FeatureRow
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.features.table import FeatureTable, FeatureTables, build_tables

__all__ = ["WARM_UP", "FeatureRow", "FeatureSpec", "FeatureStream", "FeatureTable", "FeatureTables", "build_tables"]
