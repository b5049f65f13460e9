#!/bin/sh
# The three largest cities of a country, and who holds them: ./query.sh FR
. "$(dirname "$0")/settings.sh"

service --get "$URL/graphql" --data-urlencode "variables={\"country\": \"${1:-FR}\"}" --data-urlencode 'query=
  query ($country: String!) {
    cities(where: {countryCode: {equals: $country}}, orderBy: [{population: DESC}], first: 3) {
      totalCount
      nodes { id name population activeTask { id label } }
    }
  }'
