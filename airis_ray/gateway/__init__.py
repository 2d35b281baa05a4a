"""The front of the platform: keys, tenants, readiness, the one document of all calls, the page."""
