"""The workers: one folder a noun, and the kit they share."""
