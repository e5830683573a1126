"""A visitor of the owners' house: keeps cookies, and knows the token of its session."""

import re
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from flask import Flask
from werkzeug.test import TestResponse

from models import Membership, Post, Role, User, Venue, user_roles
from tests.factories import session

PASSWORD = "a password for the tests"
_HASH = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
_TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


def make_person(*venues: Venue, post: Post = Post.OWNER, is_operator: bool = False) -> User:
    """Make somebody who can sign in with PASSWORD."""
    name = uuid4().hex
    person = User(email=f"{name}@example.com", password=_HASH, fs_uniquifier=name)
    session().add(person)
    session().flush()
    for venue in venues:
        session().add(Membership(user_id=person.id, venue_id=venue.id, post=post))
    if is_operator:
        role = session().query(Role).filter_by(name="operator").one_or_none()
        if role is None:
            role = Role(name="operator")
            session().add(role)
            session().flush()
        session().execute(user_roles.insert().values(user_id=person.id, role_id=role.id))
    session().commit()
    return person


class Visitor:
    """A browser without scripts: none of the pages needs one."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, url: str, **query: Any) -> TestResponse:
        return self.client.get(url, query_string=query or None)

    def post(self, url: str, *, token: str | None = None, **fields: Any) -> TestResponse:
        """Send a form as the page would have sent it."""
        return self.client.post(url, data={"csrf_token": token or self.token()} | fields)

    def token(self, url: str = "/admin/") -> str:
        page = self.client.get(url, follow_redirects=True)
        found = _TOKEN.search(page.text)
        assert found, page.text
        return found[1]

    def sign_in(self, person: User, password: str = PASSWORD) -> TestResponse:
        return self.post("/admin/login", email=person.email, password=password)


def rules_of(app: Flask, prefix: str = "admin") -> list[tuple[str, str, str]]:
    """Return (endpoint, method, url) of every view of the house but its static files."""
    found = []
    for rule in app.url_map.iter_rules():
        blueprint, _, view = rule.endpoint.partition(".")
        if not blueprint.startswith(prefix) or view == "static":
            continue
        url = rule.rule.replace("<export_type>", "csv").replace("<token>", "x")
        found += [
            (rule.endpoint, method, url) for method in (rule.methods or set()) & {"GET", "POST"}
        ]
    return sorted(found)
