"""Any Hugging Face encoder: loading, length buckets, pooling, encoding, saving. The one door to transformers."""
