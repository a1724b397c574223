#!/usr/bin/env bash
# Gates a build on the OpenAI contract, in any CI: plays the check, keeps its reports, and ends with its exit code.
#
#   SEATRIAL_URL=https://host/v1 SEATRIAL_MODELS=my-model OPENAI_API_KEY=... ci/check.sh
#
# SEATRIAL_URL      the base URL; without it, OPENAI_BASE_URL
# SEATRIAL_MODELS, SEATRIAL_ONLY, SEATRIAL_SKIP      what --model, --only and --skip take, one a line
# SEATRIAL_PROFILE, SEATRIAL_TIER, SEATRIAL_JOBS     what these options take
# SEATRIAL_ARGS     further arguments, one a line, as in $'--baseline\nknown.yaml'
# SEATRIAL_OUT      where the reports go (seatrial-results); must not hold a run yet
# SEATRIAL          the command (seatrial)
#
# Under GitHub Actions it also writes the job's summary, the annotations, and the outputs exit-code, result and report;
# with SEATRIAL_NO_FAIL=1 it then ends with 0, for a later step to end with exit-code.
set -uo pipefail

seatrial=${SEATRIAL:-seatrial}
out=${SEATRIAL_OUT:-seatrial-results}
arguments=(--out "$out")
each() { # FLAG LINES: the flag before each line that is not empty
  local line
  while IFS= read -r line; do
    [ -z "$line" ] || arguments+=("$1" "$line")
  done <<<"$2"
}
each --model "${SEATRIAL_MODELS:-}"
each --only "${SEATRIAL_ONLY:-}"
each --skip "${SEATRIAL_SKIP:-}"
each --profile "${SEATRIAL_PROFILE:-}"
each --tier "${SEATRIAL_TIER:-}"
each --jobs "${SEATRIAL_JOBS:-}"
while IFS= read -r line; do
  [ -z "$line" ] || arguments+=("$line")
done <<<"${SEATRIAL_ARGS:-}"
url=${SEATRIAL_URL:-${OPENAI_BASE_URL:-}}
if [ -z "$url" ]; then
  echo "no base URL: set SEATRIAL_URL" >&2
  exit 2
fi

# What a server says is printed, and a runner takes a line that begins with :: as a command: not between these two.
token=seatrial-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
[ -z "${GITHUB_ACTIONS:-}" ] || echo "::stop-commands::$token"
"$seatrial" check "${arguments[@]}" -- "$url"
code=$?
[ -z "${GITHUB_ACTIONS:-}" ] || echo "::$token::"
# Without reports nothing was proven, whatever ended it: a fault of seatrial is no failure of the server.
[ -s "$out/summary.md" ] || [ "$code" -ge 2 ] || code=4

case $code in
  0) result=PASSED ;;
  1) result=FAILED ;;
  *) result=INCOMPLETE ;;
esac
if [ -n "${GITHUB_ACTIONS:-}" ]; then
  if [ -s "$out/summary.md" ]; then
    "$seatrial" report "$out" --as github
    # GitHub refuses a summary of more than 1 MiB as a whole.
    head -c 1000000 "$out/summary.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  else
    why=("" "" "wrong usage, or an invalid file" "the target cannot be reached, or refuses the key" "seatrial itself erred, or was ended")
    said="no run (exit code $code): ${why[$code]:-ended from outside}. The log of the step says more."
    echo "::error title=seatrial::$said"
    printf '## ⚠️ seatrial: %s\n' "$said" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  fi
  printf '%s\n' "exit-code=$code" "result=$result" "report=$out/report.html" >>"${GITHUB_OUTPUT:-/dev/null}"
  [ -z "${SEATRIAL_NO_FAIL:-}" ] || exit 0
fi
exit "$code"
