# A database role per service, which owns the schema of its name and may create or read nothing else. PostgreSQL's image runs
# this once, on an empty volume.
set -e
administer() {
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set database="$POSTGRES_DB" "$@"
}
administer <<'SQL'
revoke all on database :"database" from public;
revoke all on schema public from public;
SQL
for role in sts api2 subscriptions; do
  administer --set role="$role" --set password="$(cat "/secrets/$role-password")" <<'SQL'
create role :"role" login password :'password';
grant connect on database :"database" to :"role";
create schema :"role" authorization :"role";
SQL
done
