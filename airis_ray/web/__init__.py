"""What stands in front of every application: authentication, limits, errors, logs, self-observation."""
