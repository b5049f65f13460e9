#!/bin/sh
# Stops a task; what is written stays: ./cancel.sh TASK_ID
. "$(dirname "$0")/settings.sh"
: "${1:?the id of a task}"

mutate "mutation {
  cancelTask(id: \"$1\") {
    ... on CancelAccepted { task { id status } }
    ... on Error { code message }
  }
}"
