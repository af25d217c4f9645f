"""Change a graph folder, with an exact undo, and tell two graphs apart."""
