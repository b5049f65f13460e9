#!/bin/sh
# Changes the cities of a CSV file, and creates those that are not there: ./import.sh cities.csv
# The answer, once the file is read, is the task. ./failed.sh prints the rows that could not be written.
. "$(dirname "$0")/settings.sh"
: "${1:?a CSV file}"

service "$URL/imports/City?operation=upsert&errorPolicy=skip_failed" \
  --header 'content-type: text/csv' --upload-file "$1" --request POST
