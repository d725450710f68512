"""Many environments as one thing: what goes in, how it is shown, and the report at its end."""
