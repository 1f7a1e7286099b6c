"""Places and transfers: where things can be, how they get from one to another, and moving them."""
