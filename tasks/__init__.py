"""The stages of the pipeline, one module each, and the rooms they share."""
