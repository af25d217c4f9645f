"""One step after the other: negatives, losses, penalties, steps, epochs, checkpoints."""
