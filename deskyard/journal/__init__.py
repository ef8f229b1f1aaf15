"""The append-only records: the decision journal of tickets and the audit log of everything else."""
