"""Processes that can be killed, and the limits they run under."""
