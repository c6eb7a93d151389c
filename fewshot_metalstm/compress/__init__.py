"""Compressing a saved model: pruning, column combining, 8-bit weights, and how they are stored."""
