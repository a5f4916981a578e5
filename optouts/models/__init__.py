"""The tables of the opt-outs, by what they are about. Everybody imports them from here."""

from optouts.models.addresses import InboundAddress, SellerMailbox
from optouts.models.entries import ListImport, Suppression, SuppressionEvent
from optouts.models.notices import Notice, NoticeReading, PromotedTemplate
from optouts.models.oversight import GuardAlarm, RevocationRequest, SellerFreeze
from optouts.models.setting_up import ForwardingRequest, NoticeTest, OptOutWatch

__all__ = [
    "ForwardingRequest",
    "GuardAlarm",
    "InboundAddress",
    "ListImport",
    "Notice",
    "NoticeReading",
    "NoticeTest",
    "OptOutWatch",
    "PromotedTemplate",
    "RevocationRequest",
    "SellerFreeze",
    "SellerMailbox",
    "Suppression",
    "SuppressionEvent",
]
