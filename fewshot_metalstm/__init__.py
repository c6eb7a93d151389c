"""Few-shot tagging with a meta-learned Meta-LSTM."""

__version__ = "0.1.0"
