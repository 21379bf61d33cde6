"""One module a channel; `http` is the only one that opens a connection."""
