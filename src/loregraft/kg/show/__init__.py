"""Show a graph and its entities in a terminal, a notebook and a picture."""
