"""Bytes of any kind: what is known of a data set, fetching, finding and checking it."""
