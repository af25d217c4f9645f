"""The training loop, once: used by every stage that trains an encoder."""
