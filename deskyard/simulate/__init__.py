"""A simulated help desk with known true labels: synthetic tickets for tests, the committed sample and load.

No person, company or ticket is real. Start at `world.SimulatedWorld`.
"""
