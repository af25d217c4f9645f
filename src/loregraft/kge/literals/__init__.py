"""Numbers of attributes in vectors (LiteralE), and whether they helped."""
