"""A double of the Hugging Face Hub, for the real clients."""
