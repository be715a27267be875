"""How much leverage a confident bet may use."""


def leverage_for(confidence: float, cut: float, start: float, slope: float, ceiling: float) -> float:
    """1 + slope x (confidence above ``start``) - cut, clipped to [1, ceiling], one decimal.

    ``cut`` is what the volatility regime and the drawdown take off together; ``ceiling`` has one decimal itself.
    """
    wanted = 1.0 + slope * max(confidence - start, 0.0) - cut
    return round(min(max(wanted, 1.0), ceiling), 1)
