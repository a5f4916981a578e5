"""Put the tables of the list's care behind the wall, and write down whose evidence the events so far are.

An event that came of a notice names it: "notice 12". Events are never changed, so the trigger that sees to it steps
aside for this one statement; where the notice is gone, nobody is named.
"""

from django.db import migrations

from accounts.rowsecurity import SellerRows

FORWARDS = """
select set_config('app.across_sellers', 'on', true);
alter table optouts_suppressionevent disable trigger no_change;
update optouts_suppressionevent event set contributor = coalesce(event.seller_id, notice.seller_id)
  from optouts_notice notice
  where event.what <> 'revoked' and event.actor = 'notice ' || notice.id;
alter table optouts_suppressionevent enable trigger no_change;
select set_config('app.across_sellers', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("optouts", "0020_list_in_hands")]

    operations = [
        SellerRows("optouts_listimport"),
        SellerRows("optouts_revocationrequest"),
        SellerRows("optouts_sellerfreeze"),
        migrations.RunSQL(FORWARDS, migrations.RunSQL.noop),
    ]
