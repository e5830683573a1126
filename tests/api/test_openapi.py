"""The OpenAPI document says what is served, and all of it."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

API = "/api/v1"

# The schema and the type of a face's errors, by the beginning of its paths.
ERRORS = {
    "/api/v1/": ("Problem", "application/problem+json", {"422", "429", "500", "503"}),
    "/api/room-platform/": ("RoomPlatformError", "application/json", {"400", "429", "500"}),
    "/api/ConsumerApi/": ("RestaurantError", "application/json", {"404", "429", "500", "503"}),
    "/api/boats": ("BoatsError", "application/json", {"400", "429", "500", "503"}),
    "/api/bookings": ("BoatsError", "application/json", {"400", "429", "500", "503"}),
}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    """The document as it is served."""
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_is_in_the_document_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)), method)
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    written = {
        (path, method.upper())
        for path, calls in document["paths"].items()
        for method in calls
        if method != "parameters"
    }

    assert written == served


def test_every_call_is_explained(document: dict[str, Any]) -> None:
    for path, method, call in _calls(document):
        assert call["summary"], (path, method)
        good = [call["responses"][status] for status in call["responses"] if status < "300"]
        assert good, (path, method)
        with_body = [found["content"] for found in good if "content" in found]
        for content in with_body[0].values() if with_body else ():
            assert "example" in content, (path, method)
        if "requestBody" in call:
            for content in call["requestBody"]["content"].values():
                assert "example" in content, (path, method)


def test_every_error_is_written_in_the_shape_of_its_face(document: dict[str, Any]) -> None:
    for path, method, call in _calls(document):
        schema, mime_type, always = next(
            found for beginning, found in ERRORS.items() if path.startswith(beginning)
        )
        bad = {status: found for status, found in call["responses"].items() if status >= "400"}
        assert bad.pop("414") == {"$ref": "#/components/responses/AddressTooLong"}
        assert always <= set(bad), (path, method)
        for status, found in bad.items():
            (content,) = found["content"].items()
            assert content[0] == mime_type, (path, status)
            assert content[1]["schema"] == {"$ref": f"#/components/schemas/{schema}"}
            assert content[1]["example"], (path, status)


def test_the_tokens_are_written_as_security(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["access_token"] == schemes["access_token"] | {"type": "http", "scheme": "bearer"}
    for path, method, call in _calls(document):
        needs_token = path.startswith(API) and "{reference}" in path
        assert (["access_token"] in map(list, call.get("security", []))) == needs_token, method


def test_the_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    """What an example has and the schema does not would be a lie in either of them."""
    schemas = document["components"]["schemas"]
    for path, method, call in _calls(document):
        for found in call["responses"].values():
            for content in found.get("content", {}).values():
                reference = content.get("schema", {}).get("$ref", "")
                if reference:
                    known = set(schemas[reference.rsplit("/", 1)[1]]["properties"])
                    assert set(content["example"]) <= known, (path, method)


def test_the_documentation_is_served_from_here(client: FlaskClient) -> None:
    page = client.get("/api-docs")
    assert client.get("/api-docs/").text == page.text

    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"https?://|<script(?![^>]*src=)", page.text)
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert assets
    for asset in assets:
        assert asset.startswith("/static/")
        assert client.get(asset).status_code == 200


def test_the_document_is_the_same_each_time(client: FlaskClient) -> None:
    first, second = client.get("/openapi.json").data, client.get("/openapi.json").data

    assert first == second
    assert json.loads(first)["info"]["title"] == "Holdfast"


def _calls(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, call)
        for path, calls in document["paths"].items()
        for method, call in calls.items()
        if method != "parameters"
    ]
