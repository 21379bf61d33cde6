"""The crash harness: workers are killed at random under load, and nothing may be lost."""
