"""A visitor of the owners' house: keeps cookies, and knows the token of its session."""

import re
import time
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from flask import Flask
from passlib.totp import TOTP
from werkzeug.test import TestResponse

from models import Membership, Post, Role, User, Venue, user_roles
from settings import settings
from tests.factories import session

PASSWORD = "a password for the tests"
_HASH = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
_CODES = TOTP.using(issuer="Holdfast", secrets={"1": settings.secret_key})
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
        give_second_factor(person)
        role = session().query(Role).filter_by(name="operator").one_or_none()
        if role is None:
            role = Role(name="operator")
            session().add(role)
            session().flush()
        session().execute(user_roles.insert().values(user_id=person.id, role_id=role.id))
    session().commit()
    return person


def give_second_factor(person: User) -> None:
    """Let somebody have set up an authenticator app."""
    person.tf_primary_method = "authenticator"
    person.tf_totp_secret = _CODES.new().to_json(encrypt=True)


def code_of(person: User) -> str:
    """Return a code of their app that was not used yet."""
    phone = _CODES.from_source(person.tf_totp_secret)
    last = person.totp_last_counter
    now = int(time.time())
    return phone.generate(now if last is None else max(now, (last + 1) * 30)).token


class Visitor:
    """A browser without scripts: none of the pages needs one."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.proof = ""

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
        """Sign in, with a code of their app where they have one."""
        answer = self.post("/admin/login", email=person.email, password=password)
        if person.tf_primary_method and answer.status_code == 302:
            token = self.token("/admin/tf-validate")
            answer = self.post("/admin/tf-validate", token=token, code=code_of(person))
        return answer


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
