"""The API: reads the store, and writes nothing into it but facts and requests.

What is asked for (`forecast.requests`) is done by `jobs.requests`, in the process that serves.
Here is the only room for the web framework, and nothing here imports what infers.
"""

from forecast.web.app import create_app

__all__ = ["create_app"]
