#!/bin/sh
# Counts one more inhabitant in each city of a country, in the background: ./bulk-update.sh FR
# The answer is the task, or a refusal with its code. CONFLICT: another task holds some of the cities.
. "$(dirname "$0")/settings.sh"

mutate "mutation {
  bulkUpdateCities(
    selection: {where: {countryCode: {equals: \"${1:-FR}\"}}}
    data: {population: {increment: 1}}
    options: {errorPolicy: SKIP_FAILED, mode: ASYNC}
  ) {
    __typename
    ... on TaskLaunched { task { id status progress { total } } }
    ... on ConflictError { conflicts(first: 1) { recordId heldBy { id label progress { percent } } } }
    ... on Error { code message }
  }
}"
