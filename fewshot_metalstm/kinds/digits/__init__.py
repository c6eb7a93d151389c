"""Digits: images read row by row as a sequence, and told apart with a few images of each class."""
