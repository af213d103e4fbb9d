"""Writes grafana/ from the metrics that Freshet names."""
