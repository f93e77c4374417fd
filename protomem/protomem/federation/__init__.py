"""What clients send of what they learned: contributions, their checks, and sums that show no single client."""
