"""Where a node is killed is drawn of a seed, and nothing that matters is left to chance."""

from collections import Counter

from tests.kill_matrix.moments import Kind, draw_moments, news_in

SPEED = 20.0


def test_every_kind_of_moment_comes_as_often_as_any_other() -> None:
    counts = Counter(moment.kind for moment in draw_moments(1, 50, SPEED))
    assert set(counts) == set(Kind)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_seed_gives_the_same_moments_again_and_another_seed_gives_others() -> None:
    assert draw_moments(1, 50, SPEED) == draw_moments(1, 50, SPEED)
    assert draw_moments(1, 50, SPEED) != draw_moments(2, 50, SPEED)


def test_one_kind_alone_can_be_asked_for() -> None:
    assert {moment.kind for moment in draw_moments(1, 5, SPEED, only=Kind.HALT)} == {Kind.HALT}


def test_an_order_without_an_answer_is_sometimes_at_the_venue_sometimes_not_and_sometimes_comes_later() -> None:
    sent = draw_moments(1, 50, SPEED, only=Kind.ENTRY_SENT)
    assert {fault.kind for moment in sent for fault in moment.faults} == {
        "timeout_after",
        "timeout_before",
        "slow_reply",
    }


def test_of_an_entry_that_filled_the_node_sometimes_hears_and_sometimes_not_yet() -> None:
    filled = draw_moments(1, 20, SPEED, only=Kind.ENTRY_FILLED)
    assert {tuple(fault.kind for fault in moment.faults) for moment in filled} == {(), ("delay_frame",)}


def test_what_was_held_before_and_comes_again_is_news() -> None:
    held = {"BTC", "ETH"}
    is_entered = news_in(lambda: frozenset(held))
    assert not is_entered()
    held.remove("ETH")
    assert not is_entered()
    held.add("ETH")
    assert is_entered()
    assert not is_entered()
