"""The list is append-only: no entry is deleted or re-aimed, no event is changed or deleted, whoever asks."""

from django.db import migrations

FORWARDS = """
create function optouts_refuse() returns trigger language plpgsql as $$
begin
  raise exception 'The suppression list is append-only.';
end $$;

create function optouts_keep_aim() returns trigger language plpgsql as $$
begin
  if (new.key, new.kind, new.seller_id, new.created_at) is distinct from (old.key, old.kind, old.seller_id, old.created_at) then
    raise exception 'The suppression list is append-only.';
  end if;
  return new;
end $$;

create trigger no_delete before delete on optouts_suppression for each row execute function optouts_refuse();
create trigger keep_aim before update on optouts_suppression for each row execute function optouts_keep_aim();
create trigger no_change before update or delete on optouts_suppressionevent for each row execute function optouts_refuse();
"""

BACKWARDS = """
drop trigger no_change on optouts_suppressionevent;
drop trigger keep_aim on optouts_suppression;
drop trigger no_delete on optouts_suppression;
drop function optouts_keep_aim();
drop function optouts_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("optouts", "0002_row_level_security")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
