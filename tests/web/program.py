"""A program that calls the API, and holds every answer to what the API says of itself."""

import re
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from sah.blueprints.api.spec import write_openapi
from sah.domain.tokens import Scope
from sah.services.tokens import TokenDetails, create_token


@dataclass
class Program:
    """Calls with a token; each call says which status it expects."""

    app: Flask
    secret: str = ""
    said: dict[str, str] = field(default_factory=dict)

    @classmethod
    def with_scope(cls, app: Flask, scope: Scope, project_id: int | None = None) -> "Program":
        name = f"{scope} of {project_id or 'all'}"
        with app.app_context():
            return cls(app, create_token(TokenDetails(name, scope, project_id), "a test").secret)

    def get(self, path: str, status: int = 200) -> Any:  # noqa: ANN401 - whatever JSON holds
        return self.call("GET", path, status)

    def post(self, path: str, json: object = None, status: int = 200) -> Any:  # noqa: ANN401
        return self.call("POST", path, status, json)

    def put(self, path: str, json: object = None, status: int = 200) -> Any:  # noqa: ANN401
        return self.call("PUT", path, status, json)

    def call(self, method: str, path: str, status: int, json: object = None, **more: Any) -> Any:  # noqa: ANN401
        """Call, and check status, form and security headers of the answer."""
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        if json is not None:
            more["json"] = json
        answer = self.app.test_client().open(path, method=method, headers=headers, **more)
        assert answer.status_code == status, answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        self.said = dict(answer.headers)
        self._check_described(method, path, status)
        if status == 204:
            return None
        assert answer.mimetype == "application/json"
        if status >= 400:
            assert set(answer.json or {}) == {"error"}
            assert set((answer.json or {})["error"]) == {"code", "message", "hint"}
        return answer.json

    def _check_described(self, method: str, path: str, status: int) -> None:
        with self.app.test_request_context():
            paths = write_openapi()["paths"]
        for known, calls in paths.items():
            pattern = re.sub(r"{\w+}", "[^/]+", known)
            if re.fullmatch(pattern, path.partition("?")[0]) and method.lower() in calls:
                assert str(status) in calls[method.lower()]["responses"]
