#!/bin/sh
# Starts weir with the plugin and looks at what it does, over HTTP/1.1 and HTTP/2. The argument is the folder that the plugin
# was built into; WEIR is the program, where it is not on the PATH.
set -eu
cd "$(dirname "$0")"
built=${1:-build}
weir=$(command -v "${WEIR:-weir}") || { echo "test.sh: there is no ${WEIR:-weir}; set WEIR" >&2; exit 1; }
home=$(dirname "$(readlink -f "$weir")")
scratch=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || :; rm -rf "$scratch"' EXIT

# As weir.yaml, on a free port.
sed 's/127\.0\.0\.1:8080/127.0.0.1:0/' weir.yaml >"$scratch/weir.yaml"
"$weir" -c "$scratch/weir.yaml" --plugin-path "$built:$home/plugins.d:$home/../lib/weir/plugins" --concurrency 1 \
  --address-file "$scratch/addresses" 2>"$scratch/log" &
pid=$!
tries=0
until grep -q '^main ' "$scratch/addresses" 2>/dev/null; do
  tries=$((tries + 1))
  kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 300 ] || { cat "$scratch/log" >&2; exit 1; }
  sleep 0.1
done
address=$(sed -n 's/^main //p' "$scratch/addresses")

for version in --http1.1 --http2-prior-knowledge; do
  curl -sS -i --max-time 20 "$version" "http://$address/" >"$scratch/answer"
  tr -d '\r' <"$scratch/answer" | grep -qix 'x-my-filter: hello' ||
    { echo "test.sh: the field is missing ($version):" >&2; cat "$scratch/answer" >&2; exit 1; }
done
echo "test.sh: the filter acts"
