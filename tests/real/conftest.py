"""Where our own service listens while real help desks call it."""

import pytest

from tests.real.stand import free_port

collect_ignore = ["servers"]
"""Scripts that run inside the help desks, with their libraries."""

HOOK_SECRET = "a-secret-of-the-tests"


@pytest.fixture(scope="session")
def hook_port() -> int:
    """The port to which the help desks send their webhooks; whoever tests them serves there."""
    return free_port()
