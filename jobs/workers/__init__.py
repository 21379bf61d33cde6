"""A run's parts: how it is split, who takes them, and the process that does nothing else."""
