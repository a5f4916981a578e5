"""The addresses that providers post to. Each is a 404 until its setting opens it.

The raw body is read first, the sender is believed after, and 200 is said once every recipient of ours has his notice.
Wrong authentication is a 403 without a word; recipients whom we do not know are a 200, and nothing is stored.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Final
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError

from optouts import receiving
from optouts.receiving import Delivery
from optouts.webhooks import Handed, Unusable, amazon_ses, fetching, mailgun, postmark

log = structlog.get_logger(__name__)

LARGEST_BODY: Final = 8 * 1_048_576  # a mail of 1 MB, percent-encoded or twice over in JSON
LARGEST: Final = 1_048_576
MOST_RECIPIENTS: Final = 100
TOKENS_KEPT: Final = 2 * mailgun.FRESH_SECONDS
Hook = Callable[[HttpRequest, bytes], HttpResponse]


def hook(answer: Hook) -> Callable[[HttpRequest], HttpResponse]:
    """A view of a provider's: bytes first; troubles of ours are 503, so that the provider sends again."""

    @csrf_exempt
    @require_POST
    @wraps(answer)
    def view(request: HttpRequest) -> HttpResponse:
        body = request.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            return HttpResponse(status=413)
        try:
            return answer(request, body)
        except Unusable as trouble:
            log.error("webhook_unusable", hook=answer.__name__, trouble=str(trouble))
            return HttpResponse(status=422)
        except (Error, OSError, RedisError) as trouble:
            log.error("mail_not_stored", hook=answer.__name__, trouble=type(trouble).__name__)
            return HttpResponse(status=503)

    return view


@hook
def hook_mailgun(request: HttpRequest, body: bytes) -> HttpResponse:
    """A route of Mailgun's. Each of its tokens is good once."""
    if not settings.MAILGUN_SIGNING_KEY:
        raise Http404
    fields = _form(request, body)
    if not mailgun.is_genuine(fields, key=settings.MAILGUN_SIGNING_KEY, now=timezone.now().timestamp()):
        return HttpResponse(status=403)
    token = "mailgun-" + hashlib.sha256(fields["token"].encode()).hexdigest()
    if not cache.add(token, "used", timeout=TOKENS_KEPT):
        return HttpResponse(status=403)
    try:
        return _stored(mailgun.mail_of(fields))
    except (Error, OSError):
        cache.delete(token)  # what was not stored may come again
        raise


@hook
def hook_postmark(request: HttpRequest, body: bytes) -> HttpResponse:
    """Postmark's inbound stream."""
    if not settings.POSTMARK_LOGIN:
        raise Http404
    if not postmark.is_genuine(request.headers.get("Authorization", ""), login=settings.POSTMARK_LOGIN):
        return HttpResponse(status=403)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Unusable("no JSON") from None
    return _stored(postmark.mail_of(said))


@hook
def hook_amazon_ses(request: HttpRequest, body: bytes) -> HttpResponse:
    """A subscription to a topic of Amazon SES. Asked to confirm one of ours, it does."""
    if not settings.SES_TOPICS:
        raise Http404
    envelope = amazon_ses.envelope_of(body)
    if envelope is None:
        return HttpResponse(status=403)
    if not amazon_ses.is_genuine(envelope, topics=settings.SES_TOPICS, fetch=fetching.certificate):
        return HttpResponse(status=403)
    if confirmation := amazon_ses.confirmation_of(envelope):
        fetching.fetch(confirmation)
        log.warning("subscription_confirmed", topic=envelope["TopicArn"])
        return HttpResponse()
    handed = amazon_ses.mail_of(envelope)
    if handed is None:
        log.warning("notification_of_another_kind", topic=envelope["TopicArn"], kind=envelope["Type"])
        return HttpResponse()
    return _stored(handed)


def _stored(handed: Handed) -> HttpResponse:
    """A notice for each recipient of ours, committed, then 200."""
    if len(handed.raw) > LARGEST:
        log.error("mail_too_big", source=handed.source.value, size=len(handed.raw))
        return HttpResponse(status=413)
    parts = dict.fromkeys(
        local_part.lower()
        for local_part, _, domain in (address.strip(" <>").rpartition("@") for address in handed.recipients)
        if domain.lower() == settings.INBOUND_DOMAIN and local_part.isascii()
    )
    deliveries = [Delivery(part, handed.raw, handed.source) for part in list(parts)[:MOST_RECIPIENTS]]
    stored = receiving.store(deliveries, now=timezone.now()) if deliveries else []
    known = [notice_id for notice_id in stored if notice_id is not None]
    log.info("mails_stored", notices=known, for_nobody=len(handed.recipients) - len(known), size=len(handed.raw))
    return HttpResponse()


def _form(request: HttpRequest, body: bytes) -> dict[str, str]:
    """The fields of a form, decoded as Latin-1: every byte of the mail stays what it was. Empty for nonsense."""
    if request.content_type == "application/x-www-form-urlencoded":
        try:
            return dict(parse_qsl(body.decode("latin-1"), encoding="latin-1", max_num_fields=100))
        except ValueError:
            return {}
    if request.content_type != "multipart/form-data":
        return {}
    try:
        read = MultiPartParser(request.META, BytesIO(body), [MemoryFileUploadHandler(request)], "latin-1").parse()
    except (MultiPartParserError, RequestDataTooBig):
        return {}
    return {name: str(value) for name, value in read[0].items()}
