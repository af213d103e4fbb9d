"""The consumer's and the job's real code against a simulated Kafka, store and clock; one seed is one history."""
