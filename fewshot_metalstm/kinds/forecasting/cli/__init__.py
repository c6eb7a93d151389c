"""Options and commands of forecasting."""
