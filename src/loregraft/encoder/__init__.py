"""Any Hugging Face encoder: load, tokenize, pack, pool, encode, save. The one door to transformers."""
