"""Faces of the emulated cloud: an ASGI application and its servers."""
