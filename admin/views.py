"""The base of every screen: what it shows is limited to the realm, what it changes is a verb's."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl
from uuid import UUID

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_admin import Admin, expose
from flask_admin.contrib.sqla import ModelView
from flask_security import current_user
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Query
from werkzeug.wrappers import Response as AnyResponse

from admin.database import db, give_back_connection
from admin.exports import Exporting
from admin.forms import Filters
from admin.protection import error_page
from admin.tenancy import Realm, current_realm, shown_realm
from booking.errors import BookingError, InvalidRequest, NotFound
from booking.transactions import passes_by_itself

Done = TypeVar("Done")

_LAST_PAGE = 999
_ONLY_IF = {
    "create_view": "can_create",
    "edit_view": "can_edit",
    "delete_view": "can_delete",
    "details_view": "can_view_details",
    "export": "can_export",
}


def obey(verb: Callable[[], Done]) -> Done:
    """Call a verb of the engine with no connection held. Raises its BookingError."""
    give_back_connection()
    try:
        return verb()
    except NotFound:
        abort(404)
    except DBAPIError as error:
        if not passes_by_itself(error):
            raise
        raise BookingError("Too much is going on just now; nothing was changed.") from error


class Guarded:
    """A view for those who are signed in and have something to see."""

    def is_accessible(self) -> bool:
        """Whether whoever is signed in may open this screen."""
        return not current_realm().is_empty

    def inaccessible_callback(self, name: str, **kwargs: Any) -> AnyResponse:
        """Send strangers to the sign-in, and back here afterwards; refuse everybody else."""
        if current_user.is_authenticated:
            abort(403)
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("security.login", next=back))

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # The library would call the view once more after a TypeError, and hide where it came from.
        return fn(self, *args, **kwargs)

    def create_blueprint(self, admin: Admin) -> Blueprint:
        """Make the view's blueprint, with refusals in plain words."""
        blueprint: Blueprint = super().create_blueprint(admin)  # type: ignore[misc]
        for code in (400, 403, 404, 405):
            blueprint.register_error_handler(code, error_page)
        return blueprint

    def obeyed(self, verb: Callable[[], object], form: Any) -> bool:
        """Call a verb for a form; False when it was refused, which the form then says."""
        try:
            self.obey(verb)
        except InvalidRequest as refusal:
            field = form._fields.get(refusal.field)
            if field is None:
                flash(str(refusal), "error")
            else:
                field.errors = [*field.errors, str(refusal)]
            return False
        except BookingError as refusal:
            flash(str(refusal), "error")
            return False
        return True

    def obey(self, verb: Callable[[], object]) -> None:
        """Call a verb of the engine with no connection held. Raises its BookingError."""
        give_back_connection()
        try:
            verb()
        except NotFound:
            abort(404)
        except DBAPIError as error:
            if not passes_by_itself(error):
                raise
            raise BookingError("Too much is going on just now; nothing was changed.") from error


class OwnerView(Guarded, Exporting, ModelView):
    """A list and details of one model, for the venues of whoever is signed in.

    A screen names its columns, the criterion that ties a row to its venue, and the verb that a form
    calls. Nothing is created, deleted, exported or edited in place unless it says so, and no form
    is ever poured into a row.
    """

    can_create = False
    can_edit = False
    can_delete = False
    can_export = False
    can_view_details = True
    simple_list_pager = True
    page_size = 25
    column_sortable_list: tuple[str, ...] = ()
    form_base_class = FlaskForm
    list_template = "house/list.html"
    details_template = "house/details.html"
    edit_template = "house/edit.html"

    # What an empty list says one may do.
    empty_hint = ""
    ordering: tuple[Any, ...] = ()
    eager: tuple[Any, ...] = ()
    filters_class: type[Filters] = Filters

    def __init__(self, model: type[Any], *, name: str) -> None:
        super().__init__(model, db, name=name, endpoint=f"admin_{name.lower()}", url=name.lower())

    def within(self, realm: Realm) -> ColumnElement[bool]:
        """Return the criterion that keeps this model's rows within the realm."""
        raise NotImplementedError

    def venue_id_of(self, row: Any) -> int:
        """Return the venue that a row belongs to."""
        raise NotImplementedError

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        """Apply what was chosen in the filters."""
        return query

    def save(self, row: Any, form: Any) -> None:
        """Hand what was typed in to the engine's verb."""
        raise NotImplementedError

    def heading(self, row: Any) -> Any:
        """Return what stands at the head of a row's own page."""
        return str(row)

    def edit_hint(self, row: Any) -> str:
        """Return what should be known before the form is saved."""
        return ""

    def is_theirs(self, row: Any) -> bool:
        """Whether whoever is signed in may change the row, and not only see it."""
        return current_realm().may_manage(self.venue_id_of(row))

    # Reading: all of it comes out of get_query.

    def get_query(self) -> "Query[Any]":
        return db.session.query(self.model).options(*self.eager).filter(self._own())

    def get_count_query(self) -> "Query[Any]":
        return db.session.query(func.count()).select_from(self.model).filter(self._own())

    def get_list(
        self,
        page: int | None,
        sort_column: Any,
        sort_desc: bool,
        search: str | None,
        filters: Any,
        execute: bool = True,
        page_size: int | None = None,
    ) -> tuple[None, list[Any]]:
        """Return one page, and one row more if there is a next one. Nothing is counted."""
        size = page_size or self.page_size
        chosen = self.read_filters()
        self._template_args["chosen"] = chosen
        query = self.get_query().filter(self.within(shown_realm()))
        query = self.narrow(query, chosen).order_by(*self.ordering)
        return None, query.limit(size + 1).offset((page or 0) * size).all()

    def get_one(self, id: Any) -> Any:
        """Return the row of that id, if it is there and theirs; otherwise the answer is 404."""
        key = self.primary_key(id)
        column = getattr(self.model, self._primary_key)
        row = None if key is None else self.get_query().filter(column == key).one_or_none()
        if row is None:
            abort(404)
        return row

    def primary_key(self, given: Any) -> Any:
        """Return an id of this model's kind, or None where the text is no such id."""
        python_type = getattr(self.model, self._primary_key).type.python_type
        if python_type is int:
            number = _number(given)
            return number if number is not None and number < 2**31 else None
        try:
            return UUID(given) if isinstance(given, str) else None
        except ValueError:
            return None

    def read_filters(self) -> Filters:
        """Return the filters of the address; what cannot be chosen is 400."""
        filters = self.filters_class(request.args)
        if not filters.validate():
            abort(400)
        return filters

    # Changing: by the verbs alone. The library's own ways of writing are closed.

    action_delete = None

    def create_model(self, form: Any) -> Any:
        abort(404)

    def delete_model(self, model: Any) -> Any:
        abort(404)

    def update_model(self, form: Any, model: Any) -> bool:
        """Save through the engine; its refusal is shown beside the field that it names."""
        return self.obeyed(lambda: self.save(model, form), form)

    def require_owner(self, row: Any) -> None:
        """Refuse those who do the day's work but do not run the venue."""
        if not self.is_theirs(row):
            abort(403)

    @expose("/details/")
    def details_view(self) -> str:
        """Show one row."""
        row = self.get_one(request.args.get("id"))
        rendered: str = self.render(
            self.details_template,
            model=row,
            details_columns=self._details_columns,
            get_value=self.get_detail_value,
        )
        return rendered

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> AnyResponse | str:
        """Show and save the form of one row."""
        row = self.get_one(request.args.get("id"))
        self.require_owner(row)
        form = self.edit_form(obj=row)
        if self.validate_form(form) and self.update_model(form, row):
            flash("Saved.", "success")
            return redirect(self.details_url(row))
        rendered: str = self.render(self.edit_template, model=row, form=form)
        return rendered

    @expose("/action/", methods=("POST",))
    def action_view(self) -> AnyResponse:
        """Run an action on the chosen rows; all of them must be theirs."""
        name = request.form.get("action", "")
        if name not in self._actions_data or not self.is_action_allowed(name):
            abort(404)
        rows = [self.get_one(given) for given in request.form.getlist("rowid")]
        for row in rows:
            self.require_owner(row)
        if not rows:
            flash("Choose at least one row.", "error")
        elif (answer := self._actions_data[name][0](rows)) is not None:
            return cast(AnyResponse, answer)
        back: AnyResponse = redirect(self.back_url())
        return back

    def details_url(self, row: Any) -> str:
        """Return the address of a row's details."""
        url: str = self.get_url(".details_view", id=self.get_pk_value(row))
        return url

    def back_url(self) -> str:
        """Return the list as it was filtered when the form was sent."""
        query = parse_qsl(request.form.get("back", ""))
        url: str = self.get_url(
            ".index_view", **{name: value for name, value in query if not name.startswith("_")}
        )
        return url

    # What surrounds a view.

    def _handle_view(self, name: str, **kwargs: Any) -> Response | None:
        refused: Response | None = super()._handle_view(name, **kwargs)
        if refused is not None:
            return refused
        if not getattr(self, _ONLY_IF.get(name, "name")):
            abort(404)
        return None

    def _get_list_extra_args(self) -> Any:
        """Read the address of a list; a page that is no number, or past all use, is 400."""
        for name, most in (("page", _LAST_PAGE), ("page_size", 1000), ("sort", 100), ("desc", 1)):
            given = request.args.get(name)
            if given and ((number := _number(given)) is None or number > most):
                abort(400)
        return super()._get_list_extra_args()

    def _own(self) -> ColumnElement[bool]:
        return self.within(current_realm())


def _number(given: Any) -> int | None:
    """Return a small whole number written in plain digits, or None."""
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
