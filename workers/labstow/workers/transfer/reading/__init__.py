"""Questions about places and transfers."""
