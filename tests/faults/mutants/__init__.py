"""The consumer and the job with one deliberate mistake each, to show that the checker would see it."""
