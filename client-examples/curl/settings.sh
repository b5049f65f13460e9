# Read by all scripts: where the service is, and the key that it asks for, if it asks for one.
URL=${POWERCRUD_URL:-http://127.0.0.1:4000}

# curl, with the key. Exits with 22 when the service refuses the request.
service() {
  curl --silent --show-error --fail-with-body \
    ${POWERCRUD_API_KEY:+--header "authorization: Bearer $POWERCRUD_API_KEY"} "$@"
}

# A mutation, as plain text.
mutate() {
  service "$URL/graphql" --header 'content-type: application/graphql' --data-binary "$1"
}
