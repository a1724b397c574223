"""Families of routes: each module has `ROUTES`, path -> method -> handler of a Call."""
