"""Who calls, and what they may do."""

from dataclasses import dataclass

from deskyard.desk.journey import Actor


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request."""

    actor: Actor
    role: str


LOCAL = Caller(Actor("person", "local"), "admin")
"""Whoever sits at this machine, until the first key exists."""
