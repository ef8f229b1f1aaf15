"""The model: heads, opinion pool, scorer, and the estimator that fits them."""
