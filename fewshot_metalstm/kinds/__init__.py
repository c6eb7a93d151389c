"""The kinds of task: tagging, digits and those that packages from outside add."""
