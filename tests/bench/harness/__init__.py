"""What the benches have in common: processes and what they cost, the backend, the load, the proxies, the tables."""
