"""The tables of a graph: what readers fill, and how they become one graph."""
