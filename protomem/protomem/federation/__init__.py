"""What clients send of what they learned: its record, its file, and the checks that a coordinator makes of it."""
