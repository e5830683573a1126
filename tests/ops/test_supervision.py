"""What a program is given in its environment arrives as it was."""

from supervisor.datatypes import dict_of_key_value_pairs

from ops.supervision import _quoted


def test_environments_arrive_as_they_were() -> None:
    given = {
        "A_URL": "postgresql://someone:a-b_c,d%20=@127.0.0.1:5432/postgres?sslmode=require",
        "A_SECRET": "with 'one' kind; of + / quotes",
        "ANOTHER": 'with "the other" kind',
    }

    assert dict_of_key_value_pairs(_quoted(given)) == given
