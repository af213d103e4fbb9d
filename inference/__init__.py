"""The embedding server: OpenAI's ``/v1/embeddings`` over the same models that the job and search run."""
