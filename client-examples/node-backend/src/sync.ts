// Brings cities up to date with another system: one bulk update, each city with values of its own. A task that holds
// some of them is waited for; cities whose country is missing are tried again once it is there.
// Usage: POWERCRUD_API_KEY=… npm start [-- FILE]   where FILE is JSON: [{"id", "data": {…}}, …]
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { graphql } from "./gql/index.ts";
import type { CityUpdateEachInput } from "./gql/graphql.ts";
import { close, request } from "./service.ts";
import { errorsOf, follow } from "./tasks.ts";

const LAUNCH = graphql(`
  mutation Launch($records: [CityUpdateEachInput!]!, $options: BulkOptions!) {
    bulkUpdateEachCities(records: $records, options: $options) {
      __typename
      ... on TaskLaunched {
        task {
          id
        }
      }
      ... on ConflictError {
        totalConflicts
        conflicts(first: 1) {
          heldBy {
            id
            label
          }
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

const RETRY = graphql(`
  mutation Retry($id: ID!) {
    retryTask(id: $id) {
      __typename
      ... on TaskLaunched {
        task {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

const ADD_COUNTRY = graphql(`
  mutation AddCountry($code: String!) {
    createCountry(data: { code: $code, name: $code, continent: EUROPE }) {
      ... on Error {
        code
        message
      }
    }
  }
`);

/** Launches the update, after whatever holds its cities. @returns the task's id */
async function launch(records: CityUpdateEachInput[]): Promise<string> {
  // With the key a launch that is sent again gives the same task.
  const options = {
    errorPolicy: "SKIP_FAILED",
    label: "Nightly sync",
    idempotencyKey: randomUUID(),
  } as const;
  for (;;) {
    const { bulkUpdateEachCities: launched } = await request(LAUNCH, { records, options });
    switch (launched.__typename) {
      case "TaskLaunched":
        return launched.task.id;
      case "ConflictError": {
        // `onConflict: WAIT` would have the service wait, in line with others; here one sees for what.
        const holder = launched.conflicts[0]?.heldBy;
        console.log(`${launched.totalConflicts} cities are held by ${holder?.label ?? "a task"}`);
        if (holder) await follow(holder.id);
        break;
      }
      case "UnavailableError":
        await delay(1000);
        break;
      default:
        throw new Error(`${launched.code}: ${launched.message}`);
    }
  }
}

/** Adds the countries that were missing. @returns whether there were any */
async function addCountries(id: string, records: CityUpdateEachInput[]): Promise<boolean> {
  const missing = new Set<string>();
  for await (const { index, code, field, message } of errorsOf(id)) {
    const country = records[index ?? -1]?.data.countryCode;
    if (code === "CONSTRAINT_VIOLATED" && field === "countryCode" && country) missing.add(country);
    else console.log(`${code}: ${message}`);
  }
  for (const code of missing) {
    const { createCountry: refused } = await request(ADD_COUNTRY, { code });
    if ("code" in refused) throw new Error(`${refused.code}: ${refused.message}`);
    console.log(`added country ${code}`);
  }
  return missing.size > 0;
}

const show = ({ status, progress }: Awaited<ReturnType<typeof follow>>) =>
  console.log(`${status} ${progress.processed}/${progress.total}`);

const records: CityUpdateEachInput[] = JSON.parse(await readFile(process.argv[2] ?? "cities.json", "utf8"));
const id = await launch(records);
let task = await follow(id, show);
if (task.progress.failed > 0 && (await addCountries(id, records))) {
  const { retryTask } = await request(RETRY, { id });
  if (retryTask.__typename !== "TaskLaunched") throw new Error(`${retryTask.code}: ${retryTask.message}`);
  task = await follow(retryTask.task.id, show);
}
console.log(`done: ${task.status}`);
await close();
