"""Response models of queues and agents."""

from datetime import datetime

from deskyard.desk.agents import Agent
from deskyard.desk.queues import Queue
from service.api.api_model import ApiModel


class QueueResponse(ApiModel):
    """A queue of the desk."""

    name: str
    """Name of the queue."""

    description: str
    """What the queue is for."""

    open: bool
    """Whether new tickets may enter."""

    default_priority: str | None
    """Priority of tickets that have none when they enter; null: none."""

    default_assignee: str | None
    """Agent of tickets that have none when they enter; null: none."""

    created_at: datetime
    """When the queue was created."""

    @classmethod
    def from_queue(cls, queue: Queue) -> "QueueResponse":
        """The response for a queue."""
        return cls.model_validate(queue, from_attributes=True)


class QueuePage(ApiModel):
    """A page of queues."""

    items: list[QueueResponse]
    """Queues in the order of their names."""

    next_cursor: str | None
    """Cursor of the next page; null at the end of the list."""


class AgentResponse(ApiModel):
    """An agent of the desk."""

    name: str
    """Name of the agent."""

    present: bool
    """Whether tickets may be assigned to the agent now."""

    queues: list[str]
    """Queues that the agent serves."""

    created_at: datetime
    """When the agent was created."""

    @classmethod
    def from_agent(cls, agent: Agent) -> "AgentResponse":
        """The response for an agent."""
        return cls(name=agent.name, present=agent.present, queues=list(agent.queues), created_at=agent.created_at)


class AgentPage(ApiModel):
    """A page of agents."""

    items: list[AgentResponse]
    """Agents in the order of their names."""

    next_cursor: str | None
    """Cursor of the next page; null at the end of the list."""
