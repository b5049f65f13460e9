import { AppError, isAppError } from "../../kernel/app-error.ts";
import { NETWORK_CODES } from "../../kernel/unavailable-error.ts";

/** ioredis gives these errors no code. */
const CLIENT_MESSAGE =
  /^(?:Connection is closed|Stream isn't writeable|Command timed out|Socket timeout|Command aborted due to connection close|Reached the max retries per request limit)/;

/**
 * The first words of a server's refusals, with their meaning. In errors of scripts, Redis 6 has the word in the middle of the
 * message, after a dash.
 */
const ANSWER_WORDS: Readonly<Record<string, string>> = {
  LOADING: "Redis is still loading its data.",
  READONLY: "Redis refuses writes: it is a replica.",
  MASTERDOWN: "Redis is a replica that has lost its master.",
  CLUSTERDOWN: "The cluster of Redis is down.",
  TRYAGAIN: "The cluster of Redis is moving keys.",
  MOVED: "Redis is a node of a cluster that keeps these keys on another node.",
  ASK: "Redis is a node of a cluster that is moving these keys to another node.",
  OOM: "Redis refuses writes: its memory is full.",
  MISCONF: "Redis refuses writes: it cannot save its data to disk.",
  NOREPLICAS: "Redis refuses writes: it has too few replicas.",
  BUSY: "Redis is busy with a script.",
  NOPERM: "Redis does not permit its user what this service needs.",
  NOAUTH: "Redis wants a user or password that this service was not given.",
  WRONGPASS: "Redis does not accept the user or password.",
};
const ANSWER_WORD = new RegExp(`(?:^|: -)(${Object.keys(ANSWER_WORDS).join("|")})\\b`);

/**
 * The reason for a connection that the server closes before it answers. A server with too many clients does that; its
 * message usually gets lost.
 */
export const ENDED_AT_ONCE = "the connection was ended at once";

/** Refusals that do not begin with one of the words. */
const ANSWER_PHRASES: readonly (readonly [RegExp, string | undefined])[] = [
  [/can't run this command|can't access at least one of the keys/, ANSWER_WORDS["NOPERM"]],
  [
    /^ERR unknown command|Unknown Redis command called from/,
    "Redis lacks a command that this service needs.",
  ],
  [new RegExp(`max number of clients|^${ENDED_AT_ONCE}`), "Redis takes no more connections."],
  [/Script killed by user/, "Redis ended a script at a user's request."],
  [/^ERR AUTH /, ANSWER_WORDS["WRONGPASS"]],
];

/** The parts of an error that are read. */
interface ErrorParts {
  readonly code?: unknown;
  readonly message?: unknown;
  /** The errors of an AggregateError, which Node throws for a host name with several addresses. */
  readonly errors?: unknown;
}

/**
 * AppError UNAVAILABLE, with the error as its cause, if the connection is lost or the server refuses; otherwise the error
 * itself. The message says which of the two, without the server's own text.
 */
export function toRedisUnavailable(error: unknown): unknown {
  if (isAppError(error)) {
    return error;
  }
  const message = meaningOf(error);
  return message === undefined ? error : new AppError("UNAVAILABLE", message, { cause: error });
}

/** The meaning of a server's refusal; undefined for any other text. */
export function meaningOfAnswer(text: string): string | undefined {
  const word = ANSWER_WORD.exec(text)?.[1];
  return word === undefined
    ? ANSWER_PHRASES.find(([pattern]) => pattern.test(text))?.[1]
    : ANSWER_WORDS[word];
}

function meaningOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) {
    return undefined;
  }
  const { message }: ErrorParts = error;
  const answer = typeof message === "string" ? meaningOfAnswer(message) : undefined;
  return answer ?? (isOutOfReach(error) ? "Redis cannot be reached." : undefined);
}

function isOutOfReach(error: unknown): boolean {
  if (typeof error !== "object" || error === null) {
    return false;
  }
  const { code, message, errors }: ErrorParts = error;
  return (
    (typeof code === "string" && NETWORK_CODES.has(code)) ||
    (typeof message === "string" && CLIENT_MESSAGE.test(message)) ||
    (Array.isArray(errors) && errors.some((inner) => isOutOfReach(inner)))
  );
}
