"""Requests that nobody wrote: derived from the schemas of the operations."""

from __future__ import annotations
