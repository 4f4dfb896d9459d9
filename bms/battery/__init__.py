"""The battery modules' own firmware."""
