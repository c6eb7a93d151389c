"""Annotating in the browser: a local page, a journal of what was done, a tagger that proposes."""
