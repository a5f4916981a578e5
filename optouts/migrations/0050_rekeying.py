"""An entry may move under a key of a newer secret, with its version and its event, and in no other way."""

from django.db import migrations

FORWARDS = """
create or replace function optouts_keep_aim() returns trigger language plpgsql as $$
begin
  if (new.kind, new.seller_id, new.created_at) is distinct from (old.kind, old.seller_id, old.created_at) then
    raise exception 'The suppression list is append-only.';
  end if;
  if (new.key, new.key_version) is distinct from (old.key, old.key_version) and not (
    new.key <> old.key and new.key_version > old.key_version and exists (
      select from optouts_suppressionevent e
      where e.suppression_id = new.id and e.what = 'rekeyed' and e.reason = 'version ' || new.key_version
    )
  ) then
    raise exception 'The suppression list is append-only.';
  end if;
  return new;
end $$;
"""

BACKWARDS = """
create or replace function optouts_keep_aim() returns trigger language plpgsql as $$
begin
  if (new.key, new.kind, new.seller_id, new.created_at) is distinct from (old.key, old.kind, old.seller_id, old.created_at) then
    raise exception 'The suppression list is append-only.';
  end if;
  return new;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("optouts", "0021_list_in_hands_walls")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
