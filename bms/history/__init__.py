"""How a room once was: superseded and defective behaviour. The present cannot import it."""
