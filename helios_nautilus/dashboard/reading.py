"""GET routes: what `View` knows, typed by the structs of `shown`."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from helios_nautilus.dashboard.answers import answer, refuse, told
from helios_nautilus.dashboard.recent import Recent
from helios_nautilus.dashboard.roles import PUBLIC, caller_of, needs
from helios_nautilus.dashboard.shown import (
    DecisionStory,
    EquityCurve,
    Health,
    Metrics,
    Positions,
    ShownCommand,
    ShownDecision,
    ShownEvent,
    ShownPrediction,
    ShownRebalance,
    ShownTrade,
    Span,
    Status,
    Visitor,
)
from helios_nautilus.dashboard.view import END, View
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.decisions import OUTCOMES

READ_STRUCTS: Final = (
    *(Status, Metrics, EquityCurve, Positions, DecisionStory, Health, Visitor),
    *(ShownDecision, ShownPrediction, ShownTrade, ShownEvent, ShownCommand, ShownRebalance),
)
"""What these routes answer."""
_REFUSED: Final = (401, 403, 429, 503)

type _Count = Annotated[int, Query(ge=1, le=500, description="At most so many, and whatever has the last one's stamp.")]
type _Before = Annotated[int, Query(ge=0, le=END, description="Older than this stamp, nanoseconds UTC: for paging.")]
type _Since = Annotated[int, Query(ge=0, le=END, description="Not older than this stamp, nanoseconds UTC.")]
# A control character is in no id, and the database takes no NUL.
type _Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
type _Outcome = Annotated[str, Query(pattern=f"^({'|'.join(OUTCOMES)})$", description=f"One of {', '.join(OUTCOMES)}.")]


def read_routes(view: View, recent: Recent) -> APIRouter:
    """The routes that show one mode. They run on threads, for the journal's answers are waited for.

    What was worked out in the last second goes out again; what tells how old it is, and commands, are always asked for.
    """
    routes = APIRouter(tags=["read"])

    @routes.get("/status", **_get(Status))
    def status() -> Response:
        """How the node is: readiness, kill switch, tiers, markets, loop and journal, with the age of all that."""
        return answer(view.status())

    @routes.get("/metrics", **_get(Metrics))
    def metrics() -> Response:
        """Portfolio value, P&L, Sharpe, and the figures of risk; each with a value or why there is none."""
        return recent.answer(view.metrics)

    @routes.get("/equity", **_get(EquityCurve))
    def equity(span: Annotated[Span, Query(description="How far back.")] = "1D") -> Response:
        """The equity curve, at most some 300 points."""
        return recent.answer(view.equity, span)

    @routes.get("/positions", **_get(Positions))
    def positions() -> Response:
        """Open positions with stop, target and deadline, as the node said last."""
        return answer(view.positions())

    @routes.get("/predictions", **_get(list[ShownPrediction]))
    def predictions(count: _Count = 100, since_ns: _Since = 0, before_ns: _Before = END) -> Response:
        """Predictions, the newest first, with their outcomes once known."""
        return recent.answer(view.predictions, count, since_ns=since_ns, before_ns=before_ns)

    @routes.get("/decisions", **_get(list[ShownDecision]))
    def decisions(count: _Count = 50, outcome: _Outcome | None = None, before_ns: _Before = END) -> Response:
        """What became of predictions and why, the newest first; one outcome is looked for in the last thirty days."""
        return recent.answer(view.decisions, count, outcome=outcome, before_ns=before_ns)

    @routes.get("/decisions/{name}", **_get(DecisionStory, 404))
    def decision(name: _Name) -> Response:
        """The whole story of one decision, named by its id or by that of an order, position or trade."""
        story = view.story(name)
        return (
            refuse(HTTPStatus.NOT_FOUND, "no decision, order, position or trade has that name")
            if story is None
            else answer(story)
        )

    @routes.get("/trades", **_get(list[ShownTrade]))
    def trades(count: _Count = 100, before_ns: _Before = END) -> Response:
        """Closed positions, the newest first."""
        return recent.answer(view.trades, count, before_ns=before_ns)

    @routes.get("/events", **_get(list[ShownEvent]))
    def events(count: _Count = 100, before_ns: _Before = END) -> Response:
        """Engine events and changes of the kill switch, the newest first."""
        return recent.answer(view.events, count, before_ns=before_ns)

    @routes.get("/commands", **_get(list[ShownCommand]))
    def commands(count: _Count = 50) -> Response:
        """Operators' commands and the node's answers, the newest first."""
        return answer(view.commands(count))

    @routes.get("/rebalancings", **_get(list[ShownRebalance]))
    def rebalancings(count: _Count = 50) -> Response:
        """Comparisons of the portfolio with its target weights, the newest first."""
        return recent.answer(view.rebalances, count)

    @routes.get("/session", **_get(Visitor))
    async def session(request: Request) -> Response:
        """Who is asking, and what a page's requests repeat."""
        caller = caller_of(request)
        return answer(Visitor(name=caller.name, role=caller.role, csrf=caller.csrf))

    @routes.get(
        "/health",
        responses=told(Health, refusals=(429,), also=(503,)),
        openapi_extra={"x-role": PUBLIC, "security": []},
    )
    def health() -> Response:
        """Whether this process and its database work; needs no token and says nothing of trading."""
        try:
            view.status()
        except JournalError:
            return answer(Health(is_healthy=False, words="the journal cannot be read"), HTTPStatus.SERVICE_UNAVAILABLE)
        return answer(Health(is_healthy=True, words="the journal can be read"))

    return routes


def _get(kind: Any, *refusals: int) -> dict[str, Any]:
    return {**needs("viewer"), "responses": told(kind, refusals=(*_REFUSED, *refusals))}
