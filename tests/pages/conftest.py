"""What the tests of pages share: the cast, signed in."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Role, Seller
from tests.makers import make_member, make_seller


@pytest.fixture(autouse=True)
def no_collected_files(settings: Settings) -> None:
    """Static files are found where they lie; WhiteNoise would warn of the folder that only production has."""
    settings.STATIC_ROOT = None


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller("Alice's shop")


@pytest.fixture
def as_role(seller: Seller) -> Callable[[Role], Client]:
    """A browser of a person who has this role in Alice's team."""

    def sign_in(role: Role) -> Client:
        client = Client()
        client.force_login(make_member(seller, role))
        return client

    return sign_in


@pytest.fixture
def alice(as_role: Callable[[Role], Client]) -> Client:
    return as_role(Role.OWNER)


@pytest.fixture
def bob(as_role: Callable[[Role], Client]) -> Client:
    return as_role(Role.MANAGER)


@pytest.fixture
def vera(as_role: Callable[[Role], Client]) -> Client:
    return as_role(Role.VIEWER)


@pytest.fixture
def mallory(db: None) -> Client:
    """The owner of another seller."""
    client = Client()
    client.force_login(make_member(make_seller("Mallory's shop")))
    return client
