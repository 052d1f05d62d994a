"""What a person reads of conditions, without what tells who somebody is."""

from engine.tools.leaves import masked_detail, masked_values


def test_names_and_addresses_are_masked_unless_somebody_asks():
    values = {
        "member.email": "anna@example.org",
        "member.first_name": "Anna",
        "member.phone": None,
        "card.balance": 3,
    }
    assert masked_values(values, reveal=False) == {
        "member.email": "a***@example.org",
        "member.first_name": "***",
        "member.phone": None,
        "card.balance": 3,
    }
    assert masked_values(values, reveal=True) == values


def test_the_words_of_a_decision_are_masked_too():
    detail = 'a != b (member.email = "x, \\"y\\")@z", member.name = absent, card.balance = 3, member.name = "Bo")'
    assert masked_detail(detail, reveal=False) == (
        'a != b (member.email = "***", member.name = absent, card.balance = 3, member.name = "***")'
    )
    assert masked_detail(detail, reveal=True) == detail
