// The service: operations over HTTP, subscriptions over one WebSocket. Of no framework.
import { createClient } from "graphql-ws";

const ADDRESS = "http://127.0.0.1:4000";
/** With a key or a token: `{ authorization: "Bearer …" }`. */
const credentials: Record<string, string> = {};

/** After a lost connection it connects again, and subscribes again: without `shouldRetry`, not where the service is down. */
const socket = createClient({
  url: `${ADDRESS.replace(/^http/, "ws")}/graphql`,
  connectionParams: credentials,
  retryAttempts: Infinity,
  shouldRetry: () => true,
});

/** A task, as far as the documents here select it. */
export interface Task {
  readonly id: string;
  readonly label: string | null;
  readonly status: string;
  readonly message: string | null;
  readonly progress: {
    readonly total: number | null;
    readonly processed: number;
    readonly failed: number;
    readonly percent: number | null;
  };
}
export const TASK = `id label status message progress { id total processed failed percent }`;

/** What a mutation's union has where nothing was changed. Branch on the code. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** Of a CONFLICT. */
  readonly conflicts?: readonly { readonly recordId: string | null; readonly heldBy: Task }[];
  /** Of VALIDATION_FAILED and CONSTRAINT_VIOLATED. */
  readonly problems?: readonly { readonly field: string | null; readonly message: string }[];
}
/** Selects a refusal, whatever it is. */
export const REFUSAL = `
  ... on Error { code message }
  ... on ConflictError { conflicts(first: 10) { recordId heldBy { ${TASK} } } }
  ... on ValidationError { problems { field message } }
`;

/** A refusal, or an error that nobody expects, as an exception. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** @throws Refused */
function dataOf<Data>({ data, errors = [] }: Answer<Data>): Data {
  if (data && errors.length === 0) return data;
  const { message = "no answer", extensions } = errors[0] ?? {};
  throw new Refused({ code: extensions?.code ?? "INTERNAL", message });
}

/** Runs a query or a mutation. @throws Refused; its code is UNREACHABLE where there is no answer */
export async function request<Data>(query: string, variables: object = {}): Promise<Data> {
  const response = await fetch(`${ADDRESS}/graphql`, {
    method: "POST",
    headers: { ...credentials, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  }).catch(() => {
    throw new Refused({ code: "UNREACHABLE", message: "The service cannot be reached." });
  });
  return dataOf((await response.json()) as Answer<Data>);
}

/** Runs a mutation whose field has the alias `result`. @throws Refused */
export async function mutate<Result extends object>(mutation: string, variables: object): Promise<Result> {
  const { result } = await request<{ result: Result | Refusal }>(mutation, variables);
  if ("code" in result) throw new Refused(result);
  return result;
}

/** @returns ends the subscription */
export function subscribe<Data>(
  query: string,
  variables: Record<string, unknown>,
  on: {
    readonly next: (data: Data) => void;
    readonly error?: (error: unknown) => void;
    readonly complete?: () => void;
  },
): () => void {
  const { error = console.error, complete = () => {} } = on;
  const next = (answer: object) => {
    try {
      on.next(dataOf(answer));
    } catch (problem) {
      error(problem);
    }
  };
  return socket.subscribe<Data>({ query, variables }, { next, error, complete });
}

/** The task as it is, then every change; ends with the task. */
export const FOLLOW = `subscription ($id: ID!) { taskProgress(id: $id) { ${TASK} } }`;

/** Changes that come within this time after the last ones were told are told together, in ms. */
const PAUSE_MS = 300;

/**
 * Tells which of a model's records changed, were locked or released, some times a second at most; null where it may be any
 * of them, first as soon as the subscription is in place, and again after a lost connection. Read again what is shown.
 * @returns ends it
 */
export function followRecords(model: string, onChange: (ids: readonly string[] | null) => void): () => void {
  let changed: Set<string> | null = new Set();
  let timer: ReturnType<typeof setTimeout> | undefined;
  function tell() {
    timer = undefined;
    if (changed?.size === 0) return;
    const told = changed && [...changed];
    changed = new Set();
    timer = setTimeout(tell, PAUSE_MS);
    onChange(told);
  }
  const end = subscribe<{ recordEvents: { recordIds: string[]; isAll: boolean } }>(
    `subscription ($model: ModelName!) { recordEvents(model: $model) { recordIds isAll } }`,
    { model },
    {
      next({ recordEvents: { recordIds, isAll } }) {
        changed = changed && !isAll ? new Set([...changed, ...recordIds]) : null;
        if (timer === undefined) tell();
      },
    },
  );
  return () => {
    clearTimeout(timer);
    end();
  };
}
