"""A second deskyard for the tests: a process of its own with a home folder of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deskyard.db.database import open_database
from deskyard.version import __version__
from tests.fakes.foreign import Deskyard
from tests.fakes.other_deskyard import SECRET, There
from tests.real.stand import Stand, free_port


@contextmanager
def stand(hook_url: str = "") -> Iterator[Stand]:
    """A desk without a model, its machine `router`, and the agents ann and борис; it tells of what waits in triage."""
    with tempfile.TemporaryDirectory(prefix="deskyard-other-") as folder, ExitStack() as ends:
        one, port = Deskyard(Path(folder), DESKYARD_NOTIFY_ALLOW='["127.0.0.0/8"]'), free_port()
        ends.callback(one.end)
        if hook_url:
            one.run("notify", "add", "sorter", f"webhook:{hook_url}", "--queue", "triage", "--secret", SECRET)
        one.start("serve", "--port", str(port))
        database = open_database(f"sqlite:///{folder}/deskyard.db")
        ends.callback(database.close)
        there = There(database, f"http://127.0.0.1:{port}")
        ends.callback(there.close)
        yield Stand(
            url=there.url(there.keys["router"]),
            version=f"deskyard {__version__}",
            harness=there.harness(),
            file=there.file,
        )
