"""Studies: what is declared in a file of this folder, run and told in a table."""
