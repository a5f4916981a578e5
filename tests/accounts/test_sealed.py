"""Under a new key: everything that rests sealed, in every table, while the site goes on."""

from io import StringIO

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from pytest_django import Settings

from accounts import secrets
from accounts.rowsecurity import across_sellers
from accounts.sealed import columns
from tests.makers import (
    alias,
    make_account,
    make_address,
    make_forwarding,
    make_import,
    make_message,
    make_notice,
    make_order,
    make_seller,
    make_user,
)

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()


@pytest.fixture
def world(settings: Settings) -> None:
    """One sealed row of many kinds, all under the old key."""
    settings.SEALING_KEYS = [OLD]
    seller = make_seller()
    make_message(make_order(make_account(seller), buyer=alias()))
    make_address(seller)
    make_notice(seller)
    make_forwarding(seller)
    make_import(seller, b"Order ID\n111-2222222-3333333\n")
    secret = get_adapter().encrypt("JBSWY3DPEHPK3PXP")
    Authenticator.objects.create(user=make_user(), type=Authenticator.Type.TOTP, data={"secret": secret})


def everything() -> list[bytes]:
    with across_sellers("test"):
        return [
            bytes(sealed)
            for model, name in columns()
            for sealed in model._default_manager.exclude(**{name: None}).values_list(name, flat=True)
            if sealed
        ]


def rotate() -> str:
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    return said.getvalue()


def test_everything_opens_by_the_new_key_alone_afterwards(world: None, settings: Settings) -> None:
    before = everything()
    assert len(before) > 5
    settings.SEALING_KEYS = [NEW, OLD]

    assert "Everything is sealed by the newest key." in rotate()

    only_new = Fernet(NEW)
    assert sorted(map(only_new.decrypt, everything())) == sorted(map(Fernet(OLD).decrypt, before))
    settings.SEALING_KEYS = [NEW]
    assert get_adapter().decrypt(Authenticator.objects.get().data["secret"]) == "JBSWY3DPEHPK3PXP"


def test_a_second_run_finds_nothing_to_do(world: None, settings: Settings) -> None:
    settings.SEALING_KEYS = [NEW, OLD]
    rotate()
    after = everything()

    assert "messaging.Message.letter_sealed: 0 sealed anew, 1 were already" in rotate()
    assert everything() == after


def test_what_no_key_opens_is_left_counted_and_keeps_the_old_key_needed(world: None, settings: Settings) -> None:
    before = everything()
    settings.SEALING_KEYS = [NEW]

    with pytest.raises(CommandError, match="could not be opened"):
        rotate()
    assert everything() == before


def test_every_column_of_bytes_is_called_sealed_so_that_none_is_forgotten() -> None:
    ours = ("accounts", "orders", "optouts", "messaging", "campaigns")
    bytes_elsewhere = [
        f"{model._meta.label}.{field.name}"
        for label in ours
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.fields
        if isinstance(field, models.BinaryField) and not field.name.endswith("_sealed")
    ]
    assert bytes_elsewhere == []


def test_what_the_newest_key_sealed_needs_nothing(settings: Settings) -> None:
    settings.SEALING_KEYS = [NEW, OLD]
    assert secrets.reseal(secrets.seal("alias", 1, b"x")) is None
