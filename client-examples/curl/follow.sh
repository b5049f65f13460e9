#!/bin/sh
# Follows a task to its end by server-sent events: ./follow.sh TASK_ID
. "$(dirname "$0")/settings.sh"
: "${1:?the id of a task}"

# A broken connection is opened again: the state comes first. Gives up after a minute, and at once when it is refused.
tries=0
until service --no-buffer --get "$URL/graphql" --header 'accept: text/event-stream' \
  --data-urlencode "variables={\"id\": \"$1\"}" --data-urlencode 'query=
  subscription ($id: ID!) {
    taskProgress(id: $id) { status message progress { processed total percent failed } }
  }'; do
  [ $? -ne 22 ] && [ $((tries += 1)) -lt 60 ] || exit 1
  sleep 1
done
