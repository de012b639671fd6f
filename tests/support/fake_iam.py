"""IAM and a service that believes its tokens, behind one httpx transport."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import httpx

PASSWORD = "pass word-Æ7"
PROJECT_ID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SERVICE = "https://css.example.com/v1.0/clusters"
IDP_ID = "cluster-idp"
ID_TOKEN = "eyJhbGciOiJSUzI1NiJ9.a-pod.signed"
PASSCODE = "123456"
USER_ID = "7116d09f88fa41908676fdd4b039e95b"


@attrs.define
class FakeIam:
    """Issues `token-1-…`, `token-2-…`; the service takes those not revoked.

    `gate`, when closed, holds IAM's answers back; `requests` are those IAM received,
    `calls` those the service did. `answer`, when set, is what IAM says to all.
    `projects` are what IAM lists. A user with a `passcode` has to give it.
    """

    clock: Callable[[], datetime]
    life: float = 86400.0
    gate: asyncio.Event = attrs.field(factory=asyncio.Event)
    requests: list[httpx.Request] = attrs.field(factory=list)
    calls: list[httpx.Request] = attrs.field(factory=list)
    valid: set[str] = attrs.field(factory=set)
    answer: httpx.Response | None = None
    projects: list[dict[str, object]] = attrs.field(
        factory=lambda: [{"id": PROJECT_ID, "name": "cn-north-4"}]
    )
    passcode: str | None = None

    def __attrs_post_init__(self) -> None:
        self.gate.set()

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        answers = {
            "/v3/auth/tokens": self.issue,
            "/v3/projects": self.list_projects,
            "/v3.0/OS-AUTH/id-token/tokens": self.exchange,
            "/v3.0/OS-CREDENTIAL/securitytokens": self.issue_key,
        }
        if request.url.path not in answers:
            return self.serve(request)
        self.requests.append(request)
        await self.gate.wait()
        return self.answer or answers[request.url.path](request)

    def serve(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if request.headers.get("x-auth-token") in self.valid:
            return httpx.Response(200, json={})
        return httpx.Response(
            401,
            json={"error_code": "APIGW.0307", "error_msg": "The token must be updated"},
        )

    def issue(self, request: httpx.Request) -> httpx.Response:
        if not self._knows(json.loads(request.content)["auth"]["identity"], request):
            return httpx.Response(
                401,
                json={
                    "error": {
                        "code": 401,
                        "message": "The username or password is wrong.",
                        "title": "Unauthorized",
                    }
                },
            )
        token = f"token-{len(self.requests)}-MIIFakeToken=="
        self.valid.add(token)
        now = self.clock()
        return httpx.Response(
            201,
            headers={"X-Subject-Token": token},
            json={
                "token": {
                    "issued_at": iam_time(now),
                    "expires_at": iam_time(now + timedelta(seconds=self.life)),
                    "project": {"id": PROJECT_ID, "name": "cn-north-4"},
                }
            },
        )

    def list_projects(self, request: httpx.Request) -> httpx.Response:
        name = request.url.params["name"]
        found = [project for project in self.projects if project.get("name") == name]
        return httpx.Response(200, json={"projects": found, "links": {}})

    def exchange(self, request: httpx.Request) -> httpx.Response:
        """Exchange an ID token for a token that is good for no project."""
        given = json.loads(request.content)["auth"]["id_token"]["id"]
        if (request.headers.get("x-idp-id"), given) != (IDP_ID, ID_TOKEN):
            return httpx.Response(401, json={"error_msg": "The ID token is wrong."})
        token = f"unscoped-{len(self.requests)}"
        self.valid.add(token)
        return httpx.Response(201, headers={"X-Subject-Token": token}, json={})

    def issue_key(self, request: httpx.Request) -> httpx.Response:
        proof = json.loads(request.content)["auth"]["identity"]["token"]
        if proof["id"] not in self.valid:
            return httpx.Response(401, json={"error_msg": "The token is wrong."})
        ends = self.clock() + timedelta(seconds=proof["duration_seconds"])
        key = {
            "access": f"HSTFAKE{len(self.requests):04}",
            "secret": "fakeSecret",
            "securitytoken": "fakeToken==",
            "expires_at": iam_time(ends),
        }
        return httpx.Response(201, json={"credential": key})

    def _knows(self, identity: dict[str, object], request: httpx.Request) -> bool:
        match identity:
            case {
                "methods": ["password", "totp"],
                "password": {"user": {"password": given}},
                "totp": {"user": {"id": user, "passcode": shown}},
            }:
                return (given, user, shown) == (PASSWORD, USER_ID, self.passcode)
            case {"methods": ["password"], "password": {"user": {"password": given}}}:
                return bool(given == PASSWORD) and self.passcode is None
            case {"methods": ["assume_role"]}:
                return request.headers.get("x-auth-token") in self.valid
        return False


def iam_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
