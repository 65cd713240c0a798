import os
import signal
import time

import pytest

from python.general_purpose_libs import StopRequested, run_command
from python.processes.stop_requests import (
    go_on_with,
    raise_if_stop_is_urgent,
    raise_if_stop_requested,
    requests_held,
    stop_on_request,
    stop_requested,
)

BOTH = pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGTERM, StopRequested), (signal.SIGINT, KeyboardInterrupt)]
)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@BOTH
def test_a_request_to_stop_that_got_lost_is_remembered(number, error):
    class Destroyed:
        def __del__(self):
            os.kill(os.getpid(), number)
            time.sleep(0.1)

    with stop_on_request():
        raise_if_stop_requested()
        Destroyed()  # what its destructor raises is ignored by Python
        with pytest.raises(error):
            raise_if_stop_requested()


def test_a_request_to_stop_is_for_the_work_that_it_interrupted():
    with pytest.raises(StopRequested), stop_on_request():
        os.kill(os.getpid(), signal.SIGTERM)
    raise_if_stop_requested()


@BOTH
def test_a_request_waits_where_requests_are_held(number, error):
    with stop_on_request():
        with requests_held():
            assert not stop_requested()
            os.kill(os.getpid(), number)
            assert stop_requested()
            with pytest.raises(error):
                raise_if_stop_is_urgent()
        with pytest.raises(error):
            raise_if_stop_requested()
    assert not stop_requested()


def test_only_a_second_ctrl_c_strikes_where_requests_are_held():
    with stop_on_request(), requests_held():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt) as struck:
            os.kill(os.getpid(), signal.SIGINT)
        assert not isinstance(struck.value, StopRequested)


def test_a_time_that_is_over_waits_to_be_heard():
    with stop_on_request("start again", after_minutes=0.05 / 60):
        deadline = time.monotonic() + 10
        while not stop_requested() and time.monotonic() < deadline:
            time.sleep(0.01)
        raise_if_stop_is_urgent()
        with pytest.raises(StopRequested, match="minutes are over; start again"):
            raise_if_stop_requested()
    with stop_on_request():
        time.sleep(0.1)
        assert not stop_requested()


def test_the_way_on_is_that_of_the_moment_when_a_request_is_heard():
    with stop_on_request("start again"), requests_held():
        os.kill(os.getpid(), signal.SIGTERM)
        go_on_with("go on with --resume RUN")
        with pytest.raises(StopRequested, match="go on with --resume RUN"):
            raise_if_stop_requested()


@pytest.mark.parametrize(("minutes", "code"), [(None, 85), (60, 143)])
def test_where_a_time_was_set_sigterm_is_not_taken_for_its_end(minutes, code):
    def main():
        with stop_on_request(after_minutes=minutes):
            os.kill(os.getpid(), signal.SIGTERM)

    assert run_command(main) == code
