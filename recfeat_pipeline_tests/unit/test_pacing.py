"""Rates, shared pauses and Retry-After, by a clock that is set by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from recfeat_pipeline.pacing import CoolDown, Rate, retry_after


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_rate_is_spread_with_a_second_of_burst():
    clock = Clock()
    rate = Rate(2, clock=clock)
    assert rate.take(1) == 0.0
    assert rate.take(1) == pytest.approx(0.5)
    assert rate.take(1) == pytest.approx(1.0)
    clock.now = 110.0  # idle for long: one second's worth at once, no more
    assert [rate.take(1) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.5])


def test_what_was_reserved_too_much_is_given_back():
    rate = Rate(1, clock=Clock())
    rate.take(100)
    rate.take(-90)
    assert rate.take(1) == pytest.approx(10.0)


def test_no_rate_no_wait():
    rate = Rate(None)
    assert [rate.take(10**9) for _ in range(3)] == [0.0] * 3


def test_nothing_is_given_before_a_pause_ends_and_no_burst_after_it():
    rate = Rate(10, clock=Clock())
    rate.hold(130.0)
    rate.hold(120.0)
    assert [rate.take() for _ in range(3)] == pytest.approx([30.0, 30.1, 30.2])


def test_a_pause_doubles_while_nobody_is_answered():
    clock = Clock()
    cooling = CoolDown(1.0, 6.0, 0.5, clock=clock)
    for pause in (1, 2, 4, 6, 6):  # the longest
        sent_at, began = clock.now, clock.now
        assert cooling.begin(sent_at)
        assert not cooling.begin(sent_at - 0.1)  # sent before it: tells nothing new
        assert cooling.until - began == pytest.approx(pause, rel=0.11)
        clock.now = cooling.until
    assert cooling.in_a_row == 5
    assert cooling.since == 100.0
    cooling.over()
    cooling.begin(clock.now)
    assert cooling.until - clock.now == pytest.approx(1, rel=0.11)
    assert (cooling.in_a_row, cooling.since) == (1, clock.now)


def test_a_pause_is_as_long_as_the_server_says_and_longer_where_that_was_no_help():
    clock = Clock()
    cooling = CoolDown(5.0, 60.0, 1.0, clock=clock)
    for asked, pause in ((0.0, 0.0), (0.0, 1.0), (10.0, 10.0), (2.0, 7.0), (90.0, 90.0)):
        cooling.begin(clock.now, asked)
        assert cooling.until - clock.now == pytest.approx(pause)
        clock.now = cooling.until
    cooling.begin(0.0, 3.0)  # of a request sent long ago: its wait is kept to, and counts for none
    assert (cooling.in_a_row, cooling.until) == (5, clock.now + 3)


def test_a_date_without_the_servers_clock_is_read_by_ours():
    soon = datetime.now(UTC) + timedelta(seconds=60)
    wait = retry_after({"retry-after": soon.strftime("%a, %d %b %Y %H:%M:%S GMT")})
    assert 50 < wait <= 61


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        (  # the server's clock is decades behind ours, or ahead
            {
                "retry-after": "Thu, 01 Jan 1970 00:00:09 GMT",
                "date": "Thu, 01 Jan 1970 00:00:02 GMT",
            },
            7.0,
        ),
        (
            {
                "retry-after": "Fri, 01 Jan 2100 00:01:00 GMT",
                "date": "Fri, 01 Jan 2100 00:00:00 GMT",
            },
            60.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00"}, 0.0),  # of no time zone
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(headers) == seconds
