"""Work beside requests: training, retraining, shadow scoring of a challenger, rollups."""
