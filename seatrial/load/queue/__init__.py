"""Queues in front of a model: jobs submitted, followed and accounted for, by a pattern in a file."""
