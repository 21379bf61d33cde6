"""What runs: ingest, updates, schedules, the command line."""
