// Launches a bulk update of all French cities and watches it, as a front end would: one WebSocket for the
// subscription, plain HTTP for the mutations. Usage: node client-examples/bulk-update.mjs [URL]
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const base = process.argv[2] ?? "http://127.0.0.1:4000";
const PARIS = "2988507";

const LAUNCH = /* GraphQL */ `
  mutation {
    bulkUpdateCities(
      selection: { where: { country: { is: { code: { equals: "FR" } } } } }
      data: { population: { increment: 1 }, status: { set: ARCHIVED } }
      options: { errorPolicy: SKIP_FAILED, maxAffected: 100000, label: "Archive France" }
    ) {
      __typename
      ... on TaskLaunched {
        task {
          id
          status
          progress {
            total
          }
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

const PROGRESS = /* GraphQL */ `
  subscription ($id: ID!) {
    taskProgress(id: $id) {
      status
      progress {
        processed
        total
        percent
        recordsPerSecond
        etaMs
      }
    }
  }
`;

const RENAME = /* GraphQL */ `
  mutation ($id: ID!) {
    updateCity(id: $id, data: { notes: "City of Light" }) {
      __typename
      ... on UpdateCityPayload {
        city {
          id
          name
          notes
        }
      }
      ... on ConflictError {
        message
        conflicts(first: 1) {
          recordId
          heldBy {
            id
            label
            progress {
              percent
            }
          }
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

/** Runs one operation over HTTP and returns its data; throws on GraphQL errors. */
async function request(query, variables = {}) {
  const response = await fetch(`${base}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const launched = (await request(LAUNCH)).bulkUpdateCities;
if (launched.__typename !== "TaskLaunched") {
  console.error(`refused: ${launched.code}: ${launched.message}`);
  process.exit(1);
}
const { task } = launched;
console.log(`launched ${task.id}: ${task.progress.total} cities`);

const client = createClient({ url: `${base.replace(/^http/, "ws")}/graphql`, webSocketImpl: WebSocket });
let hasAsked = false;
for await (const { data, errors } of client.iterate({ query: PROGRESS, variables: { id: task.id } })) {
  if (errors) throw new Error(JSON.stringify(errors));
  const { status, progress } = data.taskProgress;
  console.log(`${status} ${progress.processed}/${progress.total} ${Math.floor(progress.percent ?? 0)} %`);
  if (!hasAsked && (status === "PENDING" || status === "RUNNING")) {
    hasAsked = true;
    const { updateCity } = await request(RENAME, { id: PARIS });
    console.log(`update of Paris meanwhile: ${updateCity.__typename} ${updateCity.message ?? ""}`);
  }
}
// The server ended the subscription: the task is settled and its records are free.
const { updateCity } = await request(RENAME, { id: PARIS });
console.log(
  `update of Paris afterwards: ${updateCity.__typename} ${updateCity.city?.notes ?? updateCity.message}`,
);
await client.dispose();
