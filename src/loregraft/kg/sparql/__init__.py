"""Ask a graph in SPARQL, read-only and within limits."""
