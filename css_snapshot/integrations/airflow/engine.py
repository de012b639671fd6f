"""The parts of Airflow that this integration uses."""

# Airflow is not installed where this package's types are checked.
# pyright: reportMissingImports=false
try:
    import airflow.sdk as airflow_sdk
    import airflow.sdk.exceptions as airflow_exceptions
    import airflow.triggers.base as airflow_triggers
except ImportError as error:
    raise ImportError(
        "this needs Airflow 3.2 or newer, by the extra css-snapshot[airflow]:"
        " pip install 'css-snapshot[airflow]'"
    ) from error

__all__ = [
    "AirflowException",
    "AirflowFailException",
    "BaseHook",
    "BaseOperator",
    "BaseTrigger",
    "TriggerEvent",
]

AirflowException = airflow_exceptions.AirflowException
AirflowFailException = airflow_exceptions.AirflowFailException
BaseHook = airflow_sdk.BaseHook
BaseOperator = airflow_sdk.BaseOperator
BaseTrigger = airflow_triggers.BaseTrigger
TriggerEvent = airflow_triggers.TriggerEvent
