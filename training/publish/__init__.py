"""What a run hands over: the bundle, and its record in MLflow."""
