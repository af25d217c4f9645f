"""Knowledge as vectors: scorers, training, ranking, and what vectors are good for."""
