"""Queues and agents of the desk as the API answers them."""

from datetime import datetime

from pydantic import BaseModel

from deskyard.desk.agents import Agent
from deskyard.desk.queues import Queue


class QueueResponse(BaseModel):
    """A queue of the desk; the defaults are what a ticket gets there unless somebody says otherwise."""

    name: str
    description: str
    open: bool
    default_priority: str | None
    default_assignee: str | None
    created_at: datetime

    @classmethod
    def from_queue(cls, queue: Queue) -> "QueueResponse":
        """As it is now."""
        return cls.model_validate(queue, from_attributes=True)


class QueuePage(BaseModel):
    """A page of queues; `next_cursor` continues the list and is null at its end."""

    items: list[QueueResponse]
    next_cursor: str | None


class AgentResponse(BaseModel):
    """Somebody who takes tickets of `queues`, while `present`."""

    name: str
    present: bool
    queues: list[str]
    created_at: datetime

    @classmethod
    def from_agent(cls, agent: Agent) -> "AgentResponse":
        """As now."""
        return cls(name=agent.name, present=agent.present, queues=list(agent.queues), created_at=agent.created_at)


class AgentPage(BaseModel):
    """A page of agents; `next_cursor` continues the list and is null at its end."""

    items: list[AgentResponse]
    next_cursor: str | None
