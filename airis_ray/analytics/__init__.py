"""Search, series, services, map, traces, fields and SQL over the store."""
