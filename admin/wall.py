"""A second wall between venues: what a screen forgets to limit is limited here all the same.

The first wall is the screens' own: each of their queries passes the realm. This one stands in the
session itself. Every SELECT of rows that belong to a venue gets the criterion of the realm of
whoever is signed in, so that a forgotten limit shows nothing instead of everything.
"""

from typing import Any

from flask import has_request_context
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria

from admin.database import db
from admin.protection import is_admin_request
from admin.tenancy import Realm, current_realm
from models import Base, CancellationReason, Membership, Venue

# The realm itself is read out of the one, and reasons without a venue serve all of them. What is
# reached only through something of a venue, such as a slot or a line, is joined to it.
_ASIDE = (Membership, CancellationReason)
_OF_A_VENUE = tuple(
    mapper.class_
    for mapper in Base.registry.mappers
    if "venue_id" in mapper.columns and mapper.class_ not in _ASIDE
)


def init_wall() -> None:
    """Put the wall up; the sessions of the engine's own verbs have none."""
    event.listen(db.session, "do_orm_execute", _keep_within)


def _keep_within(state: ORMExecuteState) -> None:
    if not state.is_select or not has_request_context() or not is_admin_request():
        return
    wanted = {mapper.class_ for mapper in state.all_mappers} & {Venue, *_OF_A_VENUE}
    if not wanted:
        return
    # Asked for only now: the realm itself comes out of tables that are not behind the wall.
    realm = current_realm()
    if not realm.is_operator:
        state.statement = state.statement.options(*_criteria(realm))


def _criteria(realm: Realm) -> list[Any]:
    return [
        with_loader_criteria(Venue, realm.limit(Venue.id), include_aliases=True),
        *(
            with_loader_criteria(model, realm.limit(model.venue_id), include_aliases=True)
            for model in _OF_A_VENUE
        ),
    ]
