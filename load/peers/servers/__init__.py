"""Minimal servers of the peers that are libraries: each forwards what comes by Redis to all."""
