"""The environment of a site for tests: keys that protect nothing, and Amazon at addresses where nobody answers.

Tests that talk to the simulated Amazon put its real address in place of these.
"""

from typing import Final

TEST_SITE: Final[dict[str, str]] = {
    "FEEDBACKFIVE_SECRET_KEY": "a secret of the tests that protects nothing at all, 50 characters long",
    "FEEDBACKFIVE_SEALING_KEYS": "bm90IGEgc2VjcmV0OiBvbmx5IGZvciB0aGUgdGVzdHM=",
    "FEEDBACKFIVE_LOOKUP_SECRET": "bG9vay11cCBzZWNyZXQgb2YgdGhlIHRlc3RzIG9ubHk=",
    "FEEDBACKFIVE_SITE_URL": "http://testserver",
    "FEEDBACKFIVE_INBOUND_DOMAIN": "in.feedbackfive.test",
    "FEEDBACKFIVE_EMAIL_URL": "smtp://127.0.0.1:9",
    "FEEDBACKFIVE_BUYER_RELAY_URL": "smtp://127.0.0.1:9",
    "FEEDBACKFIVE_AMAZON_CLIENT_ID": "amzn1.application-oa2-client.tests",
    "FEEDBACKFIVE_AMAZON_CLIENT_SECRET": "the tests' client secret",
    "FEEDBACKFIVE_AMAZON_APPLICATION_ID": "amzn1.sp.solution.tests",
    "FEEDBACKFIVE_AMAZON_ENDPOINT": "http://127.0.0.1:9",
    "FEEDBACKFIVE_AMAZON_LOGIN_URL": "http://127.0.0.1:9/auth/o2/token",
    "FEEDBACKFIVE_DNS_SERVER": "127.0.0.1:9",
}
