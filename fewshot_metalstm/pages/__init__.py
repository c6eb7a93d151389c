"""Pages to look at: an annotated text with its mistakes, a report of runs. One file each."""
