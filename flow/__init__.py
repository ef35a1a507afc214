"""What a person drives: command line, data, synthesis, reports."""
