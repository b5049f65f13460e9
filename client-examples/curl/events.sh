#!/bin/sh
# Prints the events of all tasks, from now on, or from the id of an event on, which comes with each: ./events.sh [ID]
. "$(dirname "$0")/settings.sh"

service --no-buffer --get "$URL/graphql" --header 'accept: text/event-stream' ${1:+--header "last-event-id: $1"} \
  --data-urlencode 'query=
  subscription {
    taskEvents { type at task { id kind model status } progress { processed total } }
  }'
