"""From labelled pictures to a model file."""
