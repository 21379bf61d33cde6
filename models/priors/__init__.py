"""From plain words to the parameters of priors."""
