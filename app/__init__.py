"""Tandem: a real-time collaborative order backend."""

__version__ = "0.1.0"
