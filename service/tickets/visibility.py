"""What a caller may see: tickets of their queues. Others look as if they did not exist."""

from sqlalchemy import Connection

from deskyard.desk import queues, tickets
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import DeskTicket
from deskyard.errors import NotFound
from service.auth.authorization import Caller


def visible_ticket(conn: Connection, caller: Caller, number: int, *, to_change: bool = False) -> DeskTicket:
    """The ticket. Raises NotFound if there is none or the caller may not see it."""
    ticket = tickets.get_ticket(conn, number, for_update=to_change)
    if not caller.may_see(ticket.queue):
        raise NotFound(f"there is no ticket '{number}' on this desk")
    return ticket


def visible_queue(conn: Connection, caller: Caller, name: str) -> Queue:
    """The queue. Raises NotFound if there is none or the caller may not see its tickets."""
    queue = queues.find_queue(conn, name)
    if queue is None or not caller.may_see(name):
        raise NotFound(f"there is no queue {name[:50]!r} on this desk")
    return queue
