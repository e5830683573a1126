"""How a venue writes and is written to; each message to be looked at and worded."""

from dataclasses import replace
from datetime import UTC, datetime

from flask import Response, abort, flash, redirect, request
from flask_admin import expose
from sqlalchemy import ColumnElement
from werkzeug.wrappers import Response as AnyResponse

from admin import words
from admin.database import give_back_connection
from admin.forms import CorrespondenceForm, WordsForm
from admin.letters import letter_page
from admin.tenancy import Realm
from admin.views import OwnerView
from booking.correspondence import sender
from booking.wording import change_correspondence, read_words, set_words
from messages.languages import languages
from messages.own_words import NAMES
from messages.samples import SHOWN, WORDED, sample
from models import Notice, Venue

_LABELS = {
    "name": "Venue",
    "contact_email": "Hears at",
    "told_of_bookings": "Hears of bookings",
    "digest_hour": "Daily summary from",
    "fullness_percent": "Hears when a slot is full to",
    "reminder_hours": "Reminds customers",
    "hold_warning_minutes": "Warns before a hold ends",
}
_FORMATS = {
    "language": lambda v, c, venue, n: words.LANGUAGE_WORDS.get(venue.language, venue.language),
    "told_of_bookings": lambda v, c, venue, n: words.TOLD_WORDS[venue.told_of_bookings],
    "digest_hour": lambda v, c, venue, n: f"{venue.digest_hour:02}:00",
    "fullness_percent": lambda v, c, venue, n: (
        f"{venue.fullness_percent} %" if venue.fullness_percent else "never"
    ),
    "reminder_hours": lambda v, c, venue, n: (
        f"{words.minutes(60 * venue.reminder_hours)} before" if venue.reminder_hours else "never"
    ),
    "hold_warning_minutes": lambda v, c, venue, n: words.minutes(venue.hold_warning_minutes),
}


class CorrespondenceView(OwnerView):
    """One row a venue; from its details lead the previews of all its messages."""

    can_edit = True
    form = CorrespondenceForm
    details_template = "house/correspondence.html"
    column_list = ("name", "language", "contact_email", "told_of_bookings", "reminder_hours")
    column_details_list = (
        "language",
        "colour",
        "contact_email",
        "told_of_bookings",
        "digest_hour",
        "fullness_percent",
        "reminder_hours",
        "hold_warning_minutes",
    )
    column_labels = _LABELS
    column_formatters = _FORMATS
    column_formatters_detail = _FORMATS
    ordering = (Venue.name, Venue.id)

    def __init__(self) -> None:
        super().__init__(Venue, name="Correspondence")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Venue.id)

    def venue_id_of(self, row: Venue) -> int:
        return row.id

    def save(self, row: Venue, form: CorrespondenceForm) -> None:
        change_correspondence(venue_id=row.id, values=form.values())

    @expose("/details/")
    def details_view(self) -> str:
        """Show how a venue writes, and the messages there are."""
        venue = self.get_one(request.args.get("id"))
        rendered: str = self.render(
            self.details_template,
            model=venue,
            details_columns=self._details_columns,
            get_value=self.get_detail_value,
            kinds=[(kind, words.NOTICE_WORDS[kind]) for kind in SHOWN],
            languages=[(tag, words.LANGUAGE_WORDS.get(tag, tag)) for tag in languages()],
        )
        return rendered

    @expose("/wording/", methods=("GET", "POST"))
    def wording_view(self) -> AnyResponse | str:
        """Show one message with a made-up booking, and keep the venue's own words for it."""
        venue = self.get_one(request.args.get("id"))
        kind, language = _chosen(venue)
        may_word = kind in WORDED and self.is_theirs(venue)
        kept = read_words(venue.id, kind, language)
        form = WordsForm(words=kept or "")
        if request.method == "POST":
            self.require_owner(venue)
            if not may_word:
                abort(404)
            if form.validate_on_submit() and self._keep(venue, kind, language, form):
                flash("Saved.", "success")
                return redirect(request.full_path)
        rendered: str = self.render(
            "house/wording.html",
            venue=venue,
            kind=kind,
            language=language,
            title=words.NOTICE_WORDS[kind],
            language_name=words.LANGUAGE_WORDS.get(language, language),
            form=form if may_word else None,
            names=NAMES,
        )
        return rendered

    @expose("/preview/")
    def preview_view(self) -> Response:
        """Show one message with a made-up booking, as a customer would see it."""
        venue = self.get_one(request.args.get("id"))
        kind, language = _chosen(venue)
        spoken = sender(venue)
        give_back_connection()
        kept = read_words(venue.id, kind, language)
        shown = sample(kind, spoken, language, datetime.now(UTC))
        return letter_page(replace(shown, words={language: kept} if kept else {}))

    def _keep(self, venue: Venue, kind: Notice, language: str, form: WordsForm) -> bool:
        """Hand the words to the engine; its refusal is shown beside the field."""
        venue_id, said = venue.id, form.words.data or ""

        return self.obeyed(
            lambda: set_words(venue_id=venue_id, kind=kind, language=language, words=said), form
        )


def _chosen(venue: Venue) -> tuple[Notice, str]:
    """Return the kind and language of the address; what there is not is 404."""
    kind = request.args.get("kind", Notice.CONFIRMED)
    language = request.args.get("language", venue.language)
    if kind not in list(SHOWN) or language not in languages():
        abort(404)
    return Notice(kind), language
