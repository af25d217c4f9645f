"""Learn from it: knowledge trained into an encoder's weights."""
