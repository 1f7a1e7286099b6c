"""The history noun: what happened, and who did it. Everything is read from the journal."""
