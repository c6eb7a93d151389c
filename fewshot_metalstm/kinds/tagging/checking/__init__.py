"""A look over annotated text before anything is learned from it: what is odd, and the cure."""
