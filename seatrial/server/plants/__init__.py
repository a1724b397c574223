"""The plants, one file a theme; each module has PLANTS."""
