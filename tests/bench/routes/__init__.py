"""The ways of the text through Flink to the model, side by side."""
