"""What several files of tests need."""

import signal

import pytest


@pytest.fixture
def ctrl_c():
    """Python's own answer to Ctrl-C, also where a shell started the tests in the background and switched it off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
