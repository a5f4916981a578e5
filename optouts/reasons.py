"""The kinds of mail that reach an inbound address, and why each was judged as it was: the vocabulary of the notices.

`Kind` values are stored and filtered by; `Reason` values are sentences in a seller's words, shown as they are.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a mail is. Only `OPT_OUT` may ever be handed to `decisions.decide`."""

    OPT_OUT = "opt_out"
    """An attested opt-out notice; the grade tells how well it is proved."""
    PROBABLE_OPT_OUT = "probable_opt_out"
    """Looks like one and is not attested in every point: a person decides."""
    RESTRICTED = "restricted"
    """Amazon restricted the seller's account from writing."""
    BLOCKED_FOR_CONTENT = "blocked_for_content"
    """Amazon did not deliver a message because of what it says."""
    SENDER_NOT_APPROVED = "sender_not_approved"
    """Amazon refused a message because the seller has not approved the address that it came from."""
    NOT_DELIVERED = "not_delivered"
    """A message to a buyer failed for another reason: an attachment, a daily limit, an unknown address."""
    FORWARDING_CONFIRMATION = "forwarding_confirmation"
    """A mailbox provider asks whether it may forward to us."""
    BUYER_MESSAGE = "buyer_message"
    """A buyer's own words, through Amazon."""
    OTHER_AMAZON = "other_amazon"
    """Amazon mail about something else."""
    NOT_AN_OPT_OUT = "not_an_opt_out"
    """None of the above."""
    FORGED = "forged"
    """Claims to be somebody's who did not sign it."""
    MALFORMED = "malformed"
    """Cannot be read in one way only."""


KINDS_IN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        Kind.OPT_OUT: "Opt-out",
        Kind.PROBABLE_OPT_OUT: "Probable opt-out",
        Kind.RESTRICTED: "Account restricted",
        Kind.BLOCKED_FOR_CONTENT: "Message blocked for its content",
        Kind.SENDER_NOT_APPROVED: "Sender not approved",
        Kind.NOT_DELIVERED: "Message not delivered",
        Kind.FORWARDING_CONFIRMATION: "Question about forwarding",
        Kind.BUYER_MESSAGE: "Buyer's message",
        Kind.OTHER_AMAZON: "Other mail from Amazon",
        Kind.NOT_AN_OPT_OUT: "Not an opt-out",
        Kind.FORGED: "Forged",
        Kind.MALFORMED: "Malformed",
    }
)
"""What an operator reads in a list."""


class Reason(StrEnum):
    """Why. One sentence each."""

    # What the words say.
    OPTED_OUT = "Amazon says that the buyer has opted out."
    ACCOUNT_RESTRICTED = "Amazon says that your account may not send such messages for a while."
    CONTENT_BLOCKED = "Amazon did not deliver a message because it broke the communication guidelines."
    NOT_APPROVED = "Amazon refused a message because its sender's address is not among your approved senders."
    ATTACHMENT_REFUSED = "Amazon did not deliver a message because of its attachment."
    LIMIT_REACHED = "Amazon did not deliver a message because too many were sent."
    FORWARDING_REQUEST = "A mailbox asks whether it may forward its mail here; the link confirms it."
    FORWARDING_REQUEST_WITHOUT_LINK = "A mailbox asks whether it may forward its mail here, but the link is missing."
    LOOKS_LIKE_FORWARDING_REQUEST = "It looks as if a mailbox asks whether it may forward its mail here."
    BUYER_ASKS_TO_STOP = "A buyer asks you to stop writing; it is not Amazon's opt-out, and you decide."
    BUYER_MESSAGE = "A message that a buyer wrote to you."
    ANOTHER_TYPE = "Amazon marked this mail as being about something else."
    OTHER_AMAZON_MAIL = "Another mail from Amazon."
    NOTHING_ABOUT_OPT_OUT = "Nothing in this mail is about a buyer's opt-out."
    DELIVERY_REPORT = "A delivery report of a mail server."
    AUTOMATIC_REPLY = "An automatic reply."
    MAILING_LIST = "It came by way of a mailing list."
    REPLY = "A reply that may quote a notice."
    QUOTED_SENTENCE = "Somebody quotes Amazon's sentence, and it is not a forwarded notice."

    # Looks like a notice, but not in every point.
    UNKNOWN_WORDING = "Amazon marked this as an opt-out, in words that we have not seen before."
    UNKNOWN_CAUSE = (
        "Amazon says that a message was not delivered, for a reason that we cannot read: perhaps an opt-out."
    )
    UNATTESTED_WORDING = "It reads like Amazon's opt-out notice, in words that nobody has confirmed yet."
    UNKNOWN_SUBJECT = "Amazon's opt-out sentence under a subject that we have not seen before."
    SUBJECT_ONLY = "The subject of an opt-out notice without its sentence."
    UNUSUAL_SENDER = "Amazon's opt-out sentence from an address that has not sent notices before."
    ORDER_IDS_DISAGREE = "The notice names more than one order."
    QUOTED_BELOW = "One of several notices that were forwarded by hand in one mail."
    TWO_BUYERS = "The notice names more than one buyer."
    MARKETPLACE_DISAGREES = "The buyer's address and the marketplace of the notice do not belong together."

    # What was proved.
    SIGNED_DIRECT = "Amazon wrote to your inbound address, and its signature is valid."
    SIGNED_FORWARDED = "Forwarded unchanged from your mailbox; Amazon's signature is valid."
    ANOTHER_SELLERS_NOTICE = "Amazon wrote this to the inbound address of somebody else."
    SIGNED_UNKNOWN_MAILBOX = "Amazon's signature is valid, but it wrote to a mailbox that you have not registered."
    SIGNED_ATTACHMENT = "The attached original carries Amazon's valid signature."
    SIGNED_ATTACHMENT_UNKNOWN_MAILBOX = (
        "The attached original carries Amazon's valid signature, but was written to a mailbox that is not registered."
    )
    HANDED_IN_SIGNED = "A person of your team handed the mail in, and Amazon's signature in it is valid."
    HANDED_IN_SIGNED_UNKNOWN_MAILBOX = (
        "A person of your team handed the mail in, and Amazon's signature in it is valid, but it was written to a "
        "mailbox that is not registered."
    )

    FORMER_ADDRESS = "It came to an address that you have replaced; give Amazon, or your mailbox, the new one."

    SEALED = "The forwarder changed the mail, and its seal vouches for Amazon's signature."

    # What was not.
    FORWARDED_BY_HAND = "Forwarded by hand: nobody signed it."
    FORWARDED_BY_REGISTERED = "Forwarded by hand from your registered mailbox, whose signature is valid."
    HANDED_IN = "A person of your team handed the mail in; Amazon's signature in it is missing or broken."
    ATTACHED_UNSIGNED = "An attached copy of a notice, whose signature did not survive."
    SEAL_INCOMPLETE = "The forwarder changed the mail, and its seals have gaps or cannot be read."
    SEAL_OF_STRANGER = "The forwarder changed the mail, and it is sealed by somebody whose word does not count here."
    SEAL_REPORTS_FAILURE = "The forwarder changed the mail, and its seals were already broken on the way."
    SEAL_BROKEN = "The mail was changed after the forwarder had sealed it."
    SEAL_SILENT = "The forwarder changed the mail, and its seal does not say that Amazon's signature was valid."
    SEAL_FORM_CHANGED = "The parts of the sealed mail do not fit the form that it declares."
    SEAL_OUT_OF_DATE = "The forwarder's seal is more than 30 days old or dated in the future."
    BROKEN_BY_FORWARDER = "The forwarder changed the mail, so that Amazon's signature is broken or gone."
    KEY_WITHDRAWN = "The key of Amazon's signature is not published (any more)."
    DNS_TROUBLE = "The signature could not be checked just now; it is tried again."
    NOT_SIGNED = "It says that it comes from Amazon, and Amazon did not sign it."
    SIGNATURE_BROKEN = "It says that it comes from Amazon, and the signature does not fit."
    SIGNATURE_REFUSED = "It says that it comes from Amazon, and the signature is not one of Amazon's kind."
    TOO_OLD = "Amazon's signature is valid but more than 30 days old: the mail may have been sent again."
    FROM_THE_FUTURE = "Amazon's signature is dated in the future."
    IMITATION = "Written like Amazon's notice, and sent by somebody else."
    SETUP_NOT_SIGNED = "It says that it comes from the mailbox provider, who did not sign it."

    # What could not be read.
    GATE = "The mail can be read in more than one way, so it was not read at all."
    MORE_ATTACHED = "More is attached than is read at once; forward fewer mails at a time."
    WINMAIL = "Outlook packed the mail into a winmail.dat that cannot be read; forward it as plain text or HTML."
    OUTLOOK_ITEM = "Outlook's own format (.msg) cannot be read; attach the mail itself, or a file saved as .eml."
    ENCRYPTED = "The mail is encrypted, or signed in a form that hides its text; forward it unencrypted."
    PACKED = "Archives and documents are not opened; attach the mail itself, or a file saved as .eml."
    UNREADABLE_PARTS = "The mail is too big or too intricate to be read."
