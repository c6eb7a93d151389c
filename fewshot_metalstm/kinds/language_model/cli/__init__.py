"""Command-line options of language models."""
