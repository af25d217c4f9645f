"""Learning: weights, priors and probabilities, from names without labels or from labelled texts."""
