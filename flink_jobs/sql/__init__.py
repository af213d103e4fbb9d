"""The job without Python in the cluster: a script for Flink's own SQL client."""
