"""Third-party packages that need care before they can be imported."""
