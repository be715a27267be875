"""The Kelly criterion: which part of the equity a bet deserves.

Kelly (1956), "A New Interpretation of Information Rate"; the payoff form is Thorp's (1969). The full fraction grows
wealth fastest when the odds are known exactly. Ours are estimates, so a part of it is taken and shrunk further.
"""


def kelly_fraction(p_win: float, payoff: float) -> float:
    """f* = (p b - q) / b with q = 1 - p: in [-1, 1], below 0 where the bet loses on average.

    ``p_win`` in [0, 1], ``payoff`` b >= 0. The floor of -1 keeps a payoff near 0 finite.
    """
    if payoff <= 0.0:
        return -1.0
    return max(p_win - (1.0 - p_win) / payoff, -1.0)


def net_payoff(stop: float, target: float, cost_of_loss: float, cost_of_win: float) -> float:
    """Payoff b of a bracket after costs, all as fractions of the entry price; ``target`` must exceed its cost."""
    return (target - cost_of_win) / (stop + cost_of_loss)


def volatility_factor(vol_daily: float, vol_scale: float) -> float:
    """1 / (1 + sigma / scale): halves a bet where the daily volatility equals the scale."""
    return 1.0 / (1.0 + vol_daily / vol_scale)
