"""What a drawdown takes off the next bet. Drawdowns are fractions of the peak of equity, in [0, 1]."""


def size_factor(drawdown: float, limit: float, factor: float) -> float:
    """``factor`` once the drawdown is past the limit, else 1."""
    return factor if drawdown > limit else 1.0


def leverage_cut(drawdown: float, limits: tuple[float, ...], step: float) -> float:
    """Leverage to take off: one ``step`` for every limit the drawdown is past."""
    return step * sum(drawdown > limit for limit in limits)
