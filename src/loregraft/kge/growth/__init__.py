"""From older vectors to those of a newer graph."""
