"""Training: reads a history of tickets, fits and tests a model, and writes it as a bundle with a report."""
