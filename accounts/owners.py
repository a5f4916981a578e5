"""Mail of ours to a seller's owners. Verb; what is said, and how often, is for whoever calls."""

import structlog
from django.core.mail import EmailMessage

from accounts.models import Membership, Role

log = structlog.get_logger(__name__)


def write_to_owners(seller_id: int, subject: str, text: str) -> bool:
    """Mail every active owner, each by himself. False: the relay took none of it."""
    subject = " ".join(subject.split())  # names of stores and teams stand in it, and a line break would stop the others
    owners = Membership.objects.filter(seller_id=seller_id, role=Role.OWNER, user__is_active=True)
    taken = 0
    for address in owners.values_list("user__email", flat=True):
        mail = EmailMessage(subject, text, to=[address], headers={"Auto-Submitted": "auto-generated"})
        try:
            taken += mail.send()
        except OSError as trouble:  # smtplib's errors are OSErrors
            log.warning("mail_to_owner_not_taken", seller=seller_id, trouble=type(trouble).__name__)
    return taken > 0
