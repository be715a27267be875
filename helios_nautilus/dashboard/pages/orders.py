"""Giving an order from a page, and telling what became of it."""

import time
from typing import Final

from helios_nautilus.dashboard.pages import rows
from helios_nautilus.dashboard.pages.feed import Feed
from helios_nautilus.dashboard.pages.live import Words, show_if
from helios_nautilus.dashboard.pages.wording import clock
from helios_nautilus.dashboard.steering import CallerHelm
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.commands import Tier, Verb
from helios_nautilus.journal.records import Mode

_TONES: Final = {"done": "fine", "refused": "alarm", "expired": "warn"}


class Acknowledgement:
    """Says what became of the newest order of this page, with its time."""

    def __init__(self) -> None:
        self._words = Words(tag="p", classes="answer")
        self._words.props["role"] = "status"
        self._words.props["aria-live"] = "assertive"
        show_if(self._words, False)

    def say(self, words: str, tone: str = "") -> None:
        """Say it, and have it read out."""
        self._words.say(words, tone=tone)
        show_if(self._words, bool(words))


class Desk:
    """Gives the orders of one visitor and tells what became of them."""

    def __init__(self, helm: CallerHelm, feed: Feed, mode: Mode) -> None:
        self.helm = helm
        self.mode = mode
        self._feed = feed

    async def order(
        self,
        verb: Verb,
        tier: Tier | None,
        who: str,
        why: str,
        acknowledgement: Acknowledgement,
        *,
        rebase: bool = False,
    ) -> None:
        """Give an order; its answer, the lack of one or the refusal is told, never raised."""
        given_ns = time.time_ns()
        what = f"{clock(given_ns, given_ns)} {rows.order_words(verb, tier)}"
        acknowledgement.say(f"{what}: sent, waiting for the node…")
        try:
            answer = await self.helm.give(verb, tier, who or self.helm.who, why, rebase=rebase)
        except HeliosError as error:
            acknowledgement.say(f"{what}: not sent. {error}", "alarm")
            return
        if answer is None:
            words = f"{what}: written, but no node has answered. The next start obeys what tightens."
            acknowledgement.say(words, "warn")
        else:
            took = max(answer.ts_ns - given_ns, 0) / NS_PER_SEC
            words = (
                f"{what}: {answer.outcome} at {clock(answer.ts_ns, given_ns)} UTC, after {took:.2f} s. {answer.words}"
            )
            acknowledgement.say(words, _TONES[answer.outcome])
        await self._feed.look_now()
