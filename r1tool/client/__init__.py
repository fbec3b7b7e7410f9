"""Asking model servers: requests, balancing, retries, the watchdog, budget forcing."""
