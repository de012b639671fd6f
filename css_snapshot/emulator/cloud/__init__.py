"""The emulated cloud: a state machine without I/O."""
