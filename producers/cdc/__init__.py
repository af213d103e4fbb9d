"""Change data capture: rows of a database, through Debezium on Kafka Connect, to ``documents``."""
