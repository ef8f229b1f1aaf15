"""The commands train, retrain, compare, reproduce, backtest and drift."""
