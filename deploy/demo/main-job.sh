#!/usr/bin/env bash
# The main job: a real PostgreSQL lives in a Lamina volume, is snapshotted while it works, loses a table, and gets it back.
# usage: main-job.sh path/to/lamina        (as root)
#
# A daemon that runs already is used and left alone. Everything made here has a name that nobody had, and is removed in the end, whatever happens.
# DEMO_SCALE is pgbench's scale: 100,000 rows each.
set -euo pipefail

lamina=$(readlink -f "$1")
scale=${DEMO_SCALE:-10}
postgres=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
scratch=$(mktemp -d -t lamina-demo.XXXXXX)
chmod 711 "$scratch"
cd /
daemon='' trash='' load='' waiting='' outcome=failed servers=() volumes=() snapshots=()

exec 3>&1
bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi

say() { printf '\n%s\n' "$bold$*$plain"; }
# Shows a command as a person would type it, then runs it; its output may be caught.
run() { printf '%s\n' "$dim# lamina $*$plain" >&3; "$lamina" "$@"; }
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
sql() { as_postgres "$postgres/psql" -X -h "$scratch" -p "$1" -d postgres -qAt -c "$2"; }
fail() { echo "$*" >&2; exit 1; }

start_postgres() { # directory port
    # Noted first: a server that comes up later than pg_ctl waits has to be stopped as well.
    servers+=("$1/data")
    as_postgres "$postgres/pg_ctl" -D "$1/data" -w -s -l "$1/log" -o "-p $2 -c listen_addresses='' -c unix_socket_directories=$scratch" start
}

stop_load() {
    [ -n "$load" ] || return 0
    # Its whole group; or itself, should it not have one yet.
    kill -- "-$load" 2> /dev/null || kill "$load" 2> /dev/null || true
    wait "$load" 2> /dev/null || true
    load=''
}

# Removes a volume or snapshot; one that never came to be is fine.
remove() { # volume|snapshot name
    local code=0
    "$lamina" "$1" rm "$2" > /dev/null 2> "$scratch/refusal" || code=$?
    [ $code = 0 ] || [ $code = 3 ] || { cat "$scratch/refusal" >&2; return 1; }
}

remove_all() {
    local name code=0
    for name in "${servers[@]}"; do as_postgres "$postgres/pg_ctl" -D "$name" -w -s -m fast stop 2> /dev/null; done
    for name in "${volumes[@]}"; do
        # A process that has just ended may need a moment to let go.
        for _ in $(seq 20); do "$lamina" volume detach "$name" > /dev/null 2>&1 && break; sleep 0.1; done
        remove volume "$name" || code=1
    done
    for name in "${snapshots[@]}"; do remove snapshot "$name" || code=1; done
    return $code
}

finish() {
    local status=$?
    # Nothing stops this half way: neither another Ctrl-C, for children neither, nor a terminal that is gone.
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    [ -z "$waiting" ] || kill "$waiting" 2> /dev/null
    stop_load
    remove_all || { [ $status != 0 ] || status=1; }
    if [ -n "$daemon" ]; then
        # What was deleted is emptied behind the scenes; a daemon that ends leaves the rest to its next start.
        for _ in $(seq 600); do [ -n "$(ls -A "$trash" 2> /dev/null)" ] && kill -0 "$daemon" 2> /dev/null || break; sleep 0.1; done
        kill "$daemon" 2> /dev/null
        wait "$daemon" 2> /dev/null
    fi
    if [ $status != 0 ] && [ $outcome = failed ]; then
        printf '\nThe main job failed.\n'
        [ ! -s "$scratch/daemon.log" ] || { echo "The daemon's log:"; cat "$scratch/daemon.log"; }
    fi >&2
    rm -rf "$scratch"
    exit $status
}
trap finish EXIT
# Once is enough: bash itself may hang or lose its status when another signal comes while it leaves.
trap 'trap "" INT TERM HUP; outcome=interrupted; exit 130' INT TERM HUP
# Whoever reads this may leave: that is an error like others, and no reason to leave everything behind.
trap '' PIPE

say "1. The daemon"
if "$lamina" pool ls > /dev/null 2>&1; then
    echo "A daemon is running already; it is used and left alone."
else
    echo "None is running, so one is started. Where nothing is configured, it makes an overlay2 pool and serves that."
    printf '%s\n' "$dim# lamina serve$plain"
    "$lamina" serve > "$scratch/daemon.log" 2>&1 &
    daemon=$!
    for _ in $(seq 300); do
        "$lamina" pool ls > /dev/null 2>&1 && break
        kill -0 $daemon 2> /dev/null || fail "The daemon did not start."
        sleep 0.1
    done
fi
run pool ls
# A word that is in no name here.
names=$("$lamina" volume ls -o json && "$lamina" snapshot ls -o json)
until word=$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n') && [[ "$names" != *"$word"* ]]; do :; done
volume=demo-$word restored=demo-$word-restored snapshot=demo-$word-before

say "2. A volume for the database, attached"
volumes+=("$volume")
run volume create $volume --size 2Gi --param "uid=$(id -u postgres)" --param "gid=$(id -g postgres)" --param mode=0700
pool=$("$lamina" volume inspect $volume -o json | sed -n 's/^ *"pool": "\(.*\)",\?$/\1/p')
trash=$("$lamina" pool inspect "$pool" -o json | sed -n 's/^ *"path": "\(.*\)",\?$/\1/p')/trash
path=$(run volume attach $volume)
echo "$path"

say "3. PostgreSQL in it, with $((scale * 100000)) rows"
chown postgres: "$scratch"
as_postgres "$postgres/initdb" -D "$path/data" --auth=trust -U postgres > "$scratch/initdb.log"
start_postgres "$path" 54321
as_postgres "$postgres/pgbench" -h "$scratch" -p 54321 -i -s "$scale" -q postgres 2>&1 | tail -1
before=$(sql 54321 'select count(*) from pgbench_accounts')
echo "pgbench_accounts has $before rows"

say "4. A snapshot while four clients write as fast as they can"
# A session of its own, so that all of it can be ended.
setsid setpriv --reuid=postgres --regid=postgres --init-groups -- \
    "$postgres/pgbench" -h "$scratch" -p 54321 -c 4 -j 2 -T 600 -P 1 postgres > "$scratch/pgbench.log" 2>&1 &
load=$!
history=0
until [ "$history" -ge 1000 ]; do
    kill -0 $load 2> /dev/null || fail "The load ended: $(cat "$scratch/pgbench.log")"
    sleep 1
    history=$(sql 54321 'select count(*) from pgbench_history')
done
snapshots+=("$snapshot")
run snapshot create $volume $snapshot
later=$(sql 54321 'select count(*) from pgbench_history')
stop_load
echo "Just before it $history transactions were committed, just after it $later: the database went on."

say "5. The disaster"
echo "drop table pgbench_accounts;"
sql 54321 'drop table pgbench_accounts cascade'
sql 54321 'select count(*) from pgbench_accounts' 2>&1 | head -1 || true

say "6. The snapshot becomes a new volume, and PostgreSQL starts in it"
volumes+=("$restored")
run snapshot restore $snapshot $restored
restored_path=$(run volume attach $restored)
echo "$restored_path"
# It names the process that still serves the original; in a copy that is no longer true.
rm -f "$restored_path/data/postmaster.pid"
start_postgres "$restored_path" 54322
after=$(sql 54322 'select count(*) from pgbench_accounts')
kept=$(sql 54322 'select count(*) from pgbench_history')
broken=$(sql 54322 'select (select sum(abalance) from pgbench_accounts) <> (select sum(delta) from pgbench_history)
    or (select sum(tbalance) from pgbench_tellers) <> (select sum(delta) from pgbench_history)')
echo "pgbench_accounts has $after rows again, and $kept transactions are in the history."
[ "$before" = "$after" ] || fail "Rows are missing."
[ "$kept" -ge "$history" ] && [ "$kept" -le "$later" ] || fail "The history is not that of the moment of the snapshot."
[ "$broken" = f ] || fail "The books do not balance: the snapshot was torn."
echo "Nothing that was committed is missing, and the books balance."

say "7. What there is now"
run snapshot tree $volume
run volume ls
run pool ls
metrics=$(sed -n 's/.*metrics on \([^ ]*\)$/\1/p' "$scratch/daemon.log" 2> /dev/null || true)
if [ "$metrics" != none ]; then
    echo "Metrics: ${metrics:-http://127.0.0.1:9810}/metrics${daemon:+ (here and now)}"
fi
outcome=done

if [ -t 0 ] && [ -t 1 ]; then
    # Ctrl-C ends the child, not this shell, whose traps race with its own waiting; and the child asks for it only when it would be heard.
    trap '' INT
    trap 'trap "" TERM HUP; exit 0' TERM HUP
    env --default-signal=INT sh -c 'printf "\n%s\n%s\n" "$@"; exec sleep infinity' sh \
        "${bold}All of it goes on until you press Ctrl-C, which cleans up. In another terminal:$plain" "$lamina --help" &
    waiting=$!
    wait $waiting || true
fi
