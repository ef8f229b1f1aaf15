"""What runs beside requests: training, challengers, retraining, rollups."""
