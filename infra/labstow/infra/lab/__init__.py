"""Lab files: reading them, checking them, and bringing a running labstow to what they say."""
