"""Cut a graph into train, valid and test, by entities or by triples."""
