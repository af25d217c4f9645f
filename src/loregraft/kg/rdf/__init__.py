"""A graph as RDF: the words that are known, and the quads it becomes."""
