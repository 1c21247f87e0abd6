"""What runs a network: the protocol, its implementations, and the weights."""
