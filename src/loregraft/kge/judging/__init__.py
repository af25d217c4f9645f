"""How good vectors are: ranks and their metrics, baselines, classification, probabilities."""
