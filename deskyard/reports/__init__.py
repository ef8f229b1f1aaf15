"""Reports as HTML: the training report, the backtest, the weekly report, the model card, and their translations."""
