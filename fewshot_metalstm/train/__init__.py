"""Ordinary supervised training of one task, or of several jointly: all of train, no episodes."""
