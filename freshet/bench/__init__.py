"""Measures the running system from outside, open loop: a late send counts against it."""
