import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import possibleTypes from "./possible-types.json";

const http = new HttpLink({ uri: "http://127.0.0.1:4000/graphql" });
// After a lost connection it connects again, and subscribes again: without `shouldRetry`, not where the service is down.
export const socket = createClient({
  url: "ws://127.0.0.1:4000/graphql",
  retryAttempts: Infinity,
  shouldRetry: () => true,
});

export const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    http,
  ),
  cache: new InMemoryCache({
    possibleTypes,
    typePolicies: {
      // `fetchMore({ variables: { after: endCursor } })` adds to the list. One list for each filter and order.
      Query: { fields: { cities: relayStylePagination(["where", "ids", "orderBy"]) } },
    },
  }),
});
