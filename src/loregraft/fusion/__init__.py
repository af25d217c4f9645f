"""How knowledge enters an encoder at inference: one file is one method of the literature.

`wrap.py` is the way in. A method makes a batch of linked texts ready (`Method.prepare`) and says what is
changed in the pass (`Method.changes`); it knows neither the encoder's family nor the other methods.
"""
