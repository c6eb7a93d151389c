"""Options of commands that translation alone has."""
