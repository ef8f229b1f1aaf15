"""What a caller may see: tickets of their queues; of others they hear what they would hear if there were none."""

from sqlalchemy import Connection

from deskyard.desk import queues, tickets
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import DeskTicket
from deskyard.errors import NotFound
from service.auth.authorization import Caller


def visible_ticket(conn: Connection, caller: Caller, number: int, *, to_change: bool = False) -> DeskTicket:
    """A ticket that may be seen. Raises NotThere."""
    found = tickets.get_ticket(conn, number, for_update=to_change)
    if not caller.may_see(found.queue):
        raise NotFound(f"there is no ticket '{number}' on this desk")
    return found


def visible_queue(conn: Connection, caller: Caller, name: str) -> Queue:
    """A queue whose tickets may be seen. Raises NotThere."""
    found = queues.find_queue(conn, name)
    if found is None or not caller.may_see(name):
        raise NotFound(f"there is no queue {name[:50]!r} on this desk")
    return found
