from helios_nautilus.dashboard.throttle import Rates, Throttle


def test_an_address_that_guesses_has_to_wait_and_no_other() -> None:
    throttle = Throttle(Rates(failures="2/hour"))
    for _ in range(2):
        assert throttle.before_trying("1.2.3.4") == 0
        throttle.failed("1.2.3.4")
    assert 0 < throttle.before_trying("1.2.3.4") <= 3600
    assert throttle.before_trying("5.6.7.8") == 0


def test_many_addresses_that_guess_together_shut_out_all_but_those_that_were_right() -> None:
    throttle = Throttle(Rates(failures="2/hour", failures_of_all="3/hour"))
    throttle.succeeded("10.0.0.1")
    for number in range(3):
        throttle.failed(f"10.1.0.{number}")
    assert throttle.before_trying("10.2.0.1") > 0
    assert throttle.before_trying("10.0.0.1") == 0


def test_a_right_token_between_wrong_ones_does_not_start_the_count_anew() -> None:
    throttle = Throttle(Rates(failures="2/hour"))
    throttle.failed("1.2.3.4")
    throttle.succeeded("1.2.3.4")
    throttle.failed("1.2.3.4")
    assert throttle.before_trying("1.2.3.4") > 0


def test_readers_and_commanders_are_counted_apart() -> None:
    throttle = Throttle(Rates(reads="1/hour", orders="1/hour"))
    assert (throttle.read("ann"), throttle.order("ann")) == (0, 0)
    assert throttle.read("ann") > 0
    assert throttle.order("ann") > 0
    assert throttle.read("bob") == 0
