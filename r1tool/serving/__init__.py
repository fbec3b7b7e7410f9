"""A model server of one's own: vLLM, SGLang or the embedded one, with one shared life cycle."""
