"""A technician's hand: questions that an attempt asks, and how the answer comes back."""
