"""Federation: merging what clients learned, exactly, and without showing what a single one learned."""
