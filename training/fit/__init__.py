"""Learning from training data: tuning, cross-fitting, calibration, metrics, backends."""
