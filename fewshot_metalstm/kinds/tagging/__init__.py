"""Tagging: entities in text, with all that only annotated text needs."""
