"""Where this package meets others: FastAPI and Starlette, OpenTelemetry, Airflow.

Each module needs the extra of its name; none is imported unless you import it.
"""
