"""What the demo says to the person who started it."""

from pathlib import Path

from feedbackfive.demo import cast
from feedbackfive.demo.environment import amazon_url, site_url
from feedbackfive.demo.ports import Ports


def say(line: str) -> None:
    print(line, flush=True)


def welcome(ports: Ports, home: Path, *, seconds: float) -> None:
    """Where to look, who to be, what to try, how to stop."""
    say(
        f"""
FeedbackFive is ready after {seconds:.0f} seconds.

  The site               {site_url(ports)}/
  The simulated Amazon   {amazon_url(ports)}/      buyers' boxes, notices, and the mail that the site writes to people
  For operators          {site_url(ports)}/admin/

  Everybody's password   {cast.PASSWORD}
{_people()}

  What to look at first
    1. Sign in as {cast.TEAMS[0].owner.name} and watch the Dashboard and History: requests go out, Amazon blocks some,
       its notices come back by mail, and Opt-outs fills. Within two minutes a message of one seller is stopped by
       another's notice.
    2. Open an order and read "Why?".
    3. On the simulated Amazon, opt a buyer out to whom a message is still to come, and watch what happens to it.
    4. Sign in as {cast.TEAMS[2].owner.name}: a mailbox waits to be confirmed under Opt-outs. After two minutes Amazon
       restricts this shop, and its letters stop.
    5. Read Notices under Opt-outs: within a minute each shop has had proved, doubtful and forged mail, each with its
       reason. What waits for a person is for {cast.OPERATOR.name}, under Optouts, Notices; what she asks to be revoked
       waits for {cast.SECOND_OPERATOR.name}, under Optouts, Revocation requests.
    6. Sign in as {cast.TEAMS[3].owner.name}: three accounts, each in trouble in its own way within two minutes, and
       what to do about each. {cast.OPERATOR.name} sees them under Messages, Sending, while all other shops are served.
    7. Be new yourself: sign up (the mail is on the simulated Amazon), connect, and allow as Harbour Lane Paper, the one
       shop that belongs to nobody yet.

  Ctrl-C ends it. The data stay in {home}, the logs too; make demo-reset starts over.
"""
    )


def _people() -> str:
    lines = [f"    {'':22}{'owner':26}{'manager':26}viewer"]
    for team in cast.TEAMS:
        lines.append(f"    {team.store_name:22}{team.owner.email:26}{team.manager.email:26}{team.viewer.email}")
    lines.append(f"    {'Operators':22}{cast.OPERATOR.email:26}{cast.SECOND_OPERATOR.email}")
    return "\n".join(lines)
