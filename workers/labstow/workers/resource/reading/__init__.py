"""Reading resources: by id, by what they are, where they are, what is in them, and how all that was at a moment."""
