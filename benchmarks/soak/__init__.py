"""A service at its size: ten thousand questions and a hundred reports a second."""
