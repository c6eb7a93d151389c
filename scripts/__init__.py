"""What `make` calls; nothing of it is shipped."""
