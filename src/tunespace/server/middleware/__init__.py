"""Checks that run before any route: host and origin, authentication, rate and body limits."""
