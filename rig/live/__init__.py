"""A run, looked at while it goes on: a page of its own process, which only ever reads."""
