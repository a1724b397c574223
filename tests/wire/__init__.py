"""Documents by hand for the wire schemas, one module a family: `TYPES`, `GOOD` and `BAD` as test_schemas.py has them."""

DROP = object()
"""As the value of a change: the member is dropped."""
