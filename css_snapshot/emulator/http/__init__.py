"""The emulated cloud over HTTP: its ASGI application and servers."""
