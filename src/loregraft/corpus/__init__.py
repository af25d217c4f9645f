"""What the model reads: linked texts as tokens, what is masked in them, and triples put into words."""
