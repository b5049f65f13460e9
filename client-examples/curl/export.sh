#!/bin/sh
# Writes the cities of a country as CSV: ./export.sh FR > cities.csv
. "$(dirname "$0")/settings.sh"

service --get "$URL/exports/City.csv" \
  --data-urlencode "where={\"countryCode\": {\"equals\": \"${1:-FR}\"}}" \
  --data-urlencode 'fields=id,name,countryCode,population,latitude,longitude,notes'
