"""The checks, one file a theme; every module here is registered by being here."""
