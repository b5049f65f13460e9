#!/bin/sh
# Prints the rows of an import that were not written, with line, field and reason, ready to be mended and sent again:
# ./failed.sh TASK_ID > failed.csv
. "$(dirname "$0")/settings.sh"
: "${1:?the id of a task}"

service "$URL/tasks/$1/failed.csv"
