"""When the user-side voltage was once watched for a charger."""

from bms.codes import State

# Before 1.30: whatever the state, so that the system's own pre-charge, which follows the start
# button, passes for a charger.
ALWAYS = frozenset(State)
