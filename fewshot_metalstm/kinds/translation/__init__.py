"""Translation as a kind of task: sentences of one language into those of another."""
