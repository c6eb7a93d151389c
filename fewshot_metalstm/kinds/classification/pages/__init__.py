"""Pages of classifiers."""
