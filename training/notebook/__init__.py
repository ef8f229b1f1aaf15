"""Helpers of the notebooks in `notebooks/`: figures, charts, and the one trained model that all of them use."""
