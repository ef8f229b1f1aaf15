"""A simulated desk whose truth is known: synthetic tickets for tests, for the committed sample and for load.

Everything that comes out is synthetic: no person, company or ticket in it is real. Start at `world.SimulatedWorld`.
"""
