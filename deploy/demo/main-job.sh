#!/usr/bin/env bash
# The main job: a real PostgreSQL lives in a Lamina volume, is snapshotted while it works, loses a table, and gets it back.
# usage: main-job.sh path/to/lamina        (as root)
set -euo pipefail

lamina=$(readlink -f "$1")
postgres=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
scratch=$(mktemp -d /tmp/lamina-demo.XXXXXX)
chmod 711 "$scratch"
volume=demo-db restored=demo-db-restored snapshot=demo-before-accident
daemon='' load='' started=()

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# Shows a command as a person would type it, then runs it.
run() { printf '\033[2m# lamina %s\033[0m\n' "$*"; "$lamina" "$@"; }
as_postgres() { (cd / && runuser -u postgres -- "$@"); }
sql() { as_postgres "$postgres/psql" -h "$scratch" -p "$1" -d postgres -qAt -c "$2"; }

start_postgres() { # path port
    as_postgres "$postgres/pg_ctl" -D "$1/data" -w -s -l "$1/log" -o "-p $2 -c listen_addresses='' -c unix_socket_directories=$scratch" start
    started+=("$1/data")
}

finish() {
    status=$?
    trap - EXIT
    [ -z "$load" ] || kill "$load" 2>/dev/null || true
    for data in "${started[@]}"; do as_postgres "$postgres/pg_ctl" -D "$data" -w -s -m fast stop || true; done
    for name in $volume $restored; do
        "$lamina" volume detach "$name" >/dev/null 2>&1 || true
        "$lamina" volume rm "$name" >/dev/null 2>&1 || true
    done
    "$lamina" snapshot rm $snapshot >/dev/null 2>&1 || true
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    [ $status = 0 ] || { echo; echo "The main job failed; the daemon's log:"; cat "$scratch/daemon.log" 2>/dev/null; }
    rm -rf "$scratch"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

say "1. The daemon, with nothing configured: an overlay2 pool at /var/lib/lamina/pools/default"
if "$lamina" pool ls >/dev/null 2>&1; then
    echo "A daemon is running already; it is used and left alone."
else
    "$lamina" serve > "$scratch/daemon.log" 2>&1 &
    daemon=$!
    for _ in $(seq 300); do
        "$lamina" pool ls >/dev/null 2>&1 && break
        kill -0 $daemon 2>/dev/null || { echo "The daemon did not start."; exit 1; }
        sleep 0.1
    done
fi
run pool ls

say "2. A volume for the database, attached"
run volume create $volume --size 2Gi --param "uid=$(id -u postgres)" --param "gid=$(id -g postgres)" --param mode=0700
path=$(run volume attach $volume | tail -1)
echo "$path"

say "3. PostgreSQL in it, with a million rows"
chown postgres: "$scratch"
as_postgres "$postgres/initdb" -D "$path/data" --auth=trust -U postgres > "$scratch/initdb.log"
start_postgres "$path" 54321
as_postgres pgbench -h "$scratch" -p 54321 -i -s 10 -q postgres 2>&1 | tail -1
before=$(sql 54321 'select count(*) from pgbench_accounts')
echo "pgbench_accounts has $before rows"

say "4. A snapshot while four clients write as fast as they can"
as_postgres pgbench -h "$scratch" -p 54321 -c 4 -j 2 -T 600 postgres > "$scratch/pgbench.log" 2>&1 &
load=$!
sleep 4
history=$(sql 54321 'select count(*) from pgbench_history')
run snapshot create $volume $snapshot
later=$(sql 54321 'select count(*) from pgbench_history')
echo "Just before it $history transactions were committed, just after it $later: the database went on."
kill $load 2>/dev/null || true
wait $load 2>/dev/null || true
load=''

say "5. The disaster"
sql 54321 'drop table pgbench_accounts cascade'
sql 54321 'select count(*) from pgbench_accounts' 2>&1 | head -1 || true

say "6. The snapshot becomes a new volume, and PostgreSQL starts in it"
run snapshot restore $snapshot $restored
restored_path=$(run volume attach $restored | tail -1)
# It names the process that still serves the original; in a copy that is no longer true.
rm -f "$restored_path/data/postmaster.pid"
start_postgres "$restored_path" 54322
after=$(sql 54322 'select count(*) from pgbench_accounts')
kept=$(sql 54322 'select count(*) from pgbench_history')
broken=$(sql 54322 'select (select sum(abalance) from pgbench_accounts) <> (select sum(delta) from pgbench_history) or (select sum(tbalance) from pgbench_tellers) <> (select sum(delta) from pgbench_history)')
echo "pgbench_accounts has $after rows again, and $kept transactions are in the history"
[ "$before" = "$after" ] || { echo "Rows are missing."; exit 1; }
[ "$kept" -ge "$history" ] && [ "$kept" -le "$later" ] || { echo "The history is not that of the moment of the snapshot."; exit 1; }
[ "$broken" = f ] || { echo "The books do not balance: the snapshot was torn."; exit 1; }
echo "Nothing that was committed is missing, and the books balance."

say "7. What there is now"
run snapshot tree
run volume ls
echo
echo "Metrics: http://127.0.0.1:9810/metrics"

if [ -t 0 ] && [ -t 1 ]; then
    say "The daemon keeps serving. Try 'lamina --help' in another terminal ($lamina); Ctrl-C cleans up and ends."
    while sleep 3600; do :; done
fi
say "Done; cleaning up."
