"""Asking people: a survey in one file, the server that asks, and the report on what they answered."""
