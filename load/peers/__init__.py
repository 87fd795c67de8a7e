"""Servers to compare with, one file each: found by name, `_` standing for `-`."""
