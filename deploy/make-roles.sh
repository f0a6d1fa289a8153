# A database role per service, which may create its own schema and cannot read another's. PostgreSQL's image runs this once, on an empty volume.
for role in sts api2 subscriptions; do
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set role="$role" --set password="$(cat "/secrets/$role-password")" --set database="$POSTGRES_DB" <<'SQL'
create role :"role" login password :'password';
grant connect, create on database :"database" to :"role";
SQL
done
