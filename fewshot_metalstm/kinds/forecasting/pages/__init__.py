"""Pages of forecasters."""
