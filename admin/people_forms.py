"""The forms about people: who is asked in, as what, and with which password."""

from flask_wtf import FlaskForm
from wtforms import (
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length

from admin.forms import printable, stripped
from admin.words import POST_WORDS
from models import Post

_POSTS = [SelectChoice(str(post), said) for post, said in POST_WORDS.items()]
_AN_ADDRESS = (InputRequired("Give an address."), Length(max=320), printable)


class ForgottenForm(FlaskForm):
    """Whose password is forgotten."""

    email = StringField("E-mail", filters=[stripped], validators=_AN_ADDRESS)


class JoinForm(FlaskForm):
    """Who joins a venue; an account that there is keeps its name and password."""

    token = HiddenField()
    full_name = StringField("Your name", filters=[stripped], validators=[Length(max=200)])
    password = PasswordField("A password")


class InviteForm(FlaskForm):
    """Who is asked to a venue, and as what."""

    email = StringField("E-mail", filters=[stripped], validators=_AN_ADDRESS)
    post = SelectField("As", choices=_POSTS, default=str(Post.STAFF))


class PostForm(FlaskForm):
    """Somebody's new post."""

    user = HiddenField(validators=[InputRequired()])
    post = SelectField("As", choices=_POSTS)
