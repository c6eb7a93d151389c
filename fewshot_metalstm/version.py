"""The version of this package, which setup.cfg reads from here.

It has a module of its own, so that code which records it imports nothing of the public API.
"""

__version__ = "0.1.0"
