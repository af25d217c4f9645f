"""A model of triples that reads texts: no vector table, so that an entity new to it has a vector too."""
