"""Tags of FeedbackFive's old letters."""

import pytest

from campaigns.tags import Imported, import_tags


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("[[Order ID]]", "{{ order_id }}"),
        ("[[ order-id ]]", "{{ order_id }}"),
        ("[[ORDER_ID]]", "{{ order_id }}"),
        ("[[Product Name]]!", "{{ product_title }}!"),
        ("[not a tag] [[", "[not a tag] [["),
    ],
)
def test_a_tag_becomes_its_placeholder(written: str, becomes: str) -> None:
    assert import_tags(written) == Imported(becomes)


def test_the_buyers_name_is_taken_out_with_the_blank_before_it() -> None:
    assert import_tags("Dear [[First Name]], hello") == Imported("Dear, hello", ("[[First Name]]",))


def test_an_unknown_tag_stays_and_is_named_once() -> None:
    assert import_tags("[[X]] [[X]]") == Imported("[[X]] [[X]]", (), ("[[X]]",))
