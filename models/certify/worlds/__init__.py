"""The worlds of our own families: simulators that share no formula with the models they try."""
