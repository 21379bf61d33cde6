"""Sources: one module a kind; `pull` asks those that are due, `fetch` is the way out."""
