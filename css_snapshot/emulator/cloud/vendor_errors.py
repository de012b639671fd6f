"""Refusals of the emulated cloud, in the dialect of the part that refuses."""

from typing import Literal, get_args

Dialect = Literal["css", "gateway", "iam", "html", "plain"]
DIALECTS: tuple[str, ...] = get_args(Dialect)

_CSS_TEXTS = {
    "CSS.0001": "Incorrect parameters.",
    "CSS.0004": "Invalid operation.",
    "CSS.0005": "Service error.",
    "CSS.0006": "The request body is empty.",
    "CSS.0011": (
        "This operation cannot be performed because another operation is being"
        " performed on the cluster."
    ),
    "CSS.0015": "No resources are found or the access is denied.",
    "CSS.0022": "The cluster does not exist.",
    "CSS.0030": "The number of snapshots reached the quota.",
    "CSS.0043": "The snapshot name already exists.",
    "CSS.0045": "Incorrect token.",
    "CSS.3004": "A backup of the cluster is running.",
    "CSS.3016": "The backup is being deleted.",
    "CSS.5090": "The cluster is not in a state that allows this operation.",
    "CSS.5108": "The operation is not supported by this kind of cluster.",
    "CSS.5111": "The backup id does not exist.",
    "CSS.5130": "The agency name is invalid.",
    "CSS.6012": "The snapshot can't be restored.",
}
_AUTHENTICATION = "Incorrect IAM authentication information: "


class VendorError(Exception):
    """The emulated cloud refuses, in the words of one of its parts.

    Attributes:
        status: HTTP status of the response; 202 is possible, see CSS.0011.
        code: The vendor's code, such as `CSS.0043`; empty where there is none.
        message: The text for people.
        dialect: Which part responds, and so the shape of the body.
    """

    def __init__(
        self, status: int, code: str, message: str, dialect: Dialect = "css"
    ) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.dialect: Dialect = dialect


def css_error(status: int, code: str, detail: str = "") -> VendorError:
    """Return a refusal of CSS, its text prefixed with the code.

    Args:
        status: HTTP status.
        code: A code of CSS, such as `CSS.0001`.
        detail: The specific part, put in parentheses at the end.
    """
    text = _CSS_TEXTS.get(code, "Failed to process the request.")
    if code == "CSS.0015":
        return VendorError(status, code, text)
    tail = f" ({detail})" if detail else ""
    return VendorError(status, code, f"{code} : {text}{tail}")


def bad_parameter(detail: str) -> VendorError:
    """Return the refusal of content that breaks a rule: 400 CSS.0001."""
    return css_error(400, "CSS.0001", detail)


def gateway_error(status: int, code: str, message: str) -> VendorError:
    """Return a refusal of the API gateway.

    Args:
        status: HTTP status.
        code: A code of the gateway, such as `APIGW.0308`.
        message: The text for people.
    """
    return VendorError(status, code, message, "gateway")


def not_authenticated(reason: str) -> VendorError:
    """Return the refusal of credentials: 401 APIGW.0301 with the gateway's reason."""
    return gateway_error(401, "APIGW.0301", _AUTHENTICATION + reason)


def throttled(limit: int, seconds: float) -> VendorError:
    """Return the refusal of too many requests: 429 APIGW.0308.

    Args:
        limit: Requests allowed in one window.
        seconds: Length of the window in seconds.
    """
    return gateway_error(
        429,
        "APIGW.0308",
        "The throttling threshold has been reached: policy user over ratelimit,"
        f"limit:{limit},time:{seconds:g} second",
    )


def iam_error(status: int, message: str, code: str = "") -> VendorError:
    """Return a refusal of IAM.

    Args:
        status: HTTP status.
        message: The text for people.
        code: A code of IAM such as `IAM.0062`, where it gives one.
    """
    return VendorError(status, code, message, "iam")
