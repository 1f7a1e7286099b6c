"""Planning of transfers: values in, ways out. Nothing here asks anybody, or changes anything."""
