"""Ways onto the network, each an `httpx.AsyncBaseTransport`."""
