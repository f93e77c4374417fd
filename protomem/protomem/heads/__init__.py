"""The heads: each a pure function of the statistics or of the remembered codes, one a file."""
