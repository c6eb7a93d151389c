"""Character language models: bits per character of a text, from its first thousands."""
