"""Why a model predicts what it predicts: words, similar tickets, counterfactuals."""
