"""How the readers of text open, cut and parse what they read."""
