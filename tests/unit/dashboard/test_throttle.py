from helios_nautilus.dashboard.throttle import Rates, Throttle


def test_an_address_that_guesses_has_to_wait_and_no_other() -> None:
    throttle = Throttle(Rates(failures="2/hour"))
    assert [throttle.failed("1.2.3.4") for _ in range(2)] == [0, 0]
    assert 0 < throttle.failed("1.2.3.4") <= 3600
    assert throttle.failed("5.6.7.8") == 0


def test_many_addresses_that_guess_together_have_to_wait_together() -> None:
    throttle = Throttle(Rates(failures="2/hour", failures_of_all="3/hour"))
    assert [throttle.failed(f"10.1.0.{number}") for number in range(3)] == [0, 0, 0]
    assert throttle.failed("10.2.0.1") > 0


def test_readers_and_commanders_are_counted_apart() -> None:
    throttle = Throttle(Rates(reads="1/hour", pages="1/hour", orders="1/hour"))
    assert (throttle.read("ann"), throttle.page("ann"), throttle.order("ann")) == (0, 0, 0)
    assert throttle.read("ann") > 0
    assert throttle.page("ann") > 0
    assert throttle.order("ann") > 0
    assert throttle.read("bob") == 0
