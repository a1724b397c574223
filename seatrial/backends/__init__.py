"""Real backends that install from the package index, started for a check and stopped after it."""
