"""The networks in PyTorch: parts, the two networks and what joins them, and their weights."""
