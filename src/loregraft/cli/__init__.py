"""The command line: one file a noun; it parses, calls and prints, and decides nothing."""
