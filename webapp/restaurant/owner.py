"""The calls of an owner's pages: the list of bookings, the reasons, and one more way to change."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from booking.visits import VISITS, Visit, find_visits, read_reasons
from models import Status
from webapp.api.pagination import encode_cursor, read_cursor
from webapp.problems import InvalidInput
from webapp.restaurant.access import READ_BOOKINGS, WRITE_BOOKINGS, owner, restaurant_of
from webapp.restaurant.answers import reason_body, row, updated_body
from webapp.restaurant.changing import change
from webapp.restaurant.refusals import BadFields, entry
from webapp.restaurant.schemas import LISTING, UPDATE, read_form, read_query

USUAL_PAGE = 100
LARGEST_PAGE = 1000

blueprint = Blueprint("restaurant_owner", __name__)
