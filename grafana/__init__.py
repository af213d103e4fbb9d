"""Dashboards, rules and alerts. All but this package is written by ``python -m grafana.generator``."""
