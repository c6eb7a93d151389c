"""Forecasting: the next day of an hourly series, from a few days of it."""
