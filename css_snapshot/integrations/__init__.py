"""Integrations with FastAPI and Starlette, OpenTelemetry, Airflow, and httpx2.

Each module needs the extra of its name; none is imported unless you import it.
"""
