"""Processes that share the work of a command."""

from __future__ import annotations

import os
import signal
from multiprocessing import active_children

import pytest

from refmodel.engines.processes import processes


def test_each_process_runs_what_is_to_be_run_first() -> None:
    with processes(2, os.putenv, ("REFMODEL_TEST", "1")) as pool:
        assert list(pool.map(divmod, (7, 9), (2, 5))) == [(3, 1), (1, 4)]


def interrupted() -> None:
    """Be interrupted while another process works."""
    with processes(2) as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT).result() is signal.SIG_IGN
        pool.submit(signal.pause)
        assert active_children()
        raise KeyboardInterrupt


def test_an_interrupt_is_left_to_the_first_process_which_ends_the_others() -> None:
    """Whoever works on something long would work on."""
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not active_children()
