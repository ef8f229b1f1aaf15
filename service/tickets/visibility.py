"""What a caller may see: tickets of their queues; of others they hear what they would hear if there were none."""

from sqlalchemy import Connection

from deskyard.desk import queues, tickets
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import Filed
from deskyard.errors import NotThere
from service.auth.authorization import Caller


def ticket(conn: Connection, caller: Caller, number: int, *, to_change: bool = False) -> Filed:
    """A ticket that may be seen. Raises NotThere."""
    found = tickets.get(conn, number, to_change=to_change)
    if not caller.sees(found.queue):
        raise NotThere(f"there is no ticket '{number}' on this desk")
    return found


def queue(conn: Connection, caller: Caller, name: str) -> Queue:
    """A queue whose tickets may be seen. Raises NotThere."""
    found = queues.find(conn, name)
    if found is None or not caller.sees(name):
        raise NotThere(f"there is no queue {name[:50]!r} on this desk")
    return found
