"""The check-up: what is wrong with a graph, and what it is good for."""
