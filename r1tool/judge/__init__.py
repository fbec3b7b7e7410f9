"""A model as judge: the prompt, its verdicts, the votes."""
