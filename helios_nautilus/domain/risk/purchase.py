"""Aether's answer to a purchase of a given value: its odds are not asked, its caps hold.

A rebalancing says what it wants to hold, and why is the portfolio's matter. How much one position may be in this
regime and at this drawdown, and where its stop lies, is Aether's all the same.
"""

from msgspec.structs import replace

from helios_nautilus.domain.risk.drawdown import size_factor
from helios_nautilus.domain.risk.sizing import Sizing, SizingInput, SizingRules, size_position


def size_purchase(wanted: float, inputs: SizingInput, rules: SizingRules) -> Sizing:
    """The sizing of a purchase of ``wanted``, in the account currency: never above that, nor above the caps.

    Never raises for a number. Declined as a proposal is where its figures are broken, its volatility is unknown, its
    stop too far away or what is left too small to trade.
    """
    bet = size_position(inputs, rules)
    if bet.reason in ("bad_input", "no_volatility", "no_shorts"):
        return bet
    declined = replace(bet, approved=False, fraction=0.0, notional=0.0, leverage=1.0, margin=0.0, risk=0.0, reward=0.0)
    if bet.stop >= 1.0:
        return replace(
            declined, reason="stop_too_wide", words="Its volatility asks for a stop beyond the price itself."
        )
    most = bet.cap * size_factor(bet.drawdown, rules.drawdown_limit, rules.drawdown_factor) * bet.equity
    notional = min(wanted, most)
    words = (
        f"{notional:,.2f} of {wanted:,.2f} that a rebalancing asks for; at most {most:,.2f} of equity {bet.equity:,.2f}"
    )
    if not notional > 0.0 or notional < inputs.min_notional:
        return replace(declined, reason="too_small", words=f"Under the venue's {inputs.min_notional:,.2f}: {words}.")
    return replace(
        declined,
        approved=True,
        reason="sized",
        words=f"{words}.",
        capped_by="none" if notional == wanted else "position" if bet.cap == rules.max_fraction else "regime",
        fraction=notional / bet.equity,
        notional=notional,
        margin=notional,
        risk=notional * bet.stop,
        reward=notional * bet.target,
    )
