import { AsyncLocalStorage } from "node:async_hooks";
import { AppError } from "../../kernel/app-error.ts";
import type { FullViewer, Viewer } from "./viewer.ts";
import { ANONYMOUS, fullViewer } from "./viewer.ts";

/**
 * The configuration of PostgreSQL for the transactions of a viewer: texts by their names, such as `app.tenant`, and `role`.
 * Asked for each operation, and again for each attempt of a task. It must not wait. Where it throws, nothing is read or written.
 */
export type SessionRule = (viewer: FullViewer) => Readonly<Record<string, string>>;

/** Configuration, as it is passed to PostgreSQL. */
export interface SessionSettings {
  /** The role comes last, since it may lack the right to set the others. */
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** A viewer, and the configuration of its transactions. */
export interface ViewerSession {
  readonly viewer: Viewer;
  readonly settings: SessionSettings;
}

/** Tells statements on the app's tables on whose behalf they are sent. */
export interface ViewerSessions {
  /** Asks the rule. @throws AppError INTERNAL if it throws, or returns what cannot be set */
  of(viewer: Viewer): ViewerSession;
  /** Runs code on behalf of the viewer: everything that it calls and awaits. */
  within<T>(session: ViewerSession, run: () => T): T;
  /**
   * The same for a viewer whose session is not known yet.
   * @param viewer undefined for the one on whose behalf the caller runs; where there is none, an anonymous one
   * @throws AppError INTERNAL as `of` does; nothing has run then
   */
  as<T>(viewer: Viewer | undefined, run: () => T): T;
  /** @throws AppError INTERNAL where code runs on nobody's behalf, so that nothing is read or written without a viewer */
  readonly current: () => SessionSettings;
}

const NAME = /^[A-Za-z_]\w*(?:\.\w+)*$/;

/** Undefined without a rule: then nothing is set, and nothing is asked. */
export function createViewerSessions(rule: SessionRule | undefined): ViewerSessions | undefined {
  if (rule === undefined) {
    return undefined;
  }
  const storage = new AsyncLocalStorage<ViewerSession>();
  const sessions: ViewerSessions = {
    of: (viewer) => ({ viewer, settings: settingsFor(rule, viewer) }),
    within: (session, run) => storage.run(session, run),
    as(given, run) {
      const session = storage.getStore();
      const isSame = session !== undefined && (given === undefined || session.viewer === given);
      return isSame ? run() : storage.run(sessions.of(given ?? ANONYMOUS), run);
    },
    current() {
      const session = storage.getStore();
      if (session === undefined) {
        throw new AppError(
          "INTERNAL",
          "A statement on the app's tables was to be sent on nobody's behalf, so auth.session has no session for it.",
        );
      }
      return session.settings;
    },
  };
  return sessions;
}

/** @throws AppError INTERNAL, which is masked and logged with its cause */
function settingsFor(rule: SessionRule, viewer: Viewer): SessionSettings {
  try {
    return checkSettings(rule(fullViewer(viewer)));
  } catch (cause) {
    throw new AppError("INTERNAL", "auth.session gave no session for the viewer.", { cause });
  }
}

function checkSettings(given: unknown): SessionSettings {
  if (typeof given !== "object" || given === null || given instanceof Promise) {
    throw new TypeError(`auth.session must return an object such as {"app.tenant": "7"}, at once.`);
  }
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    if (!NAME.test(name)) {
      throw new TypeError(
        `auth.session: ${JSON.stringify(name)} is no name of a setting, such as app.tenant.`,
      );
    }
    if (typeof value !== "string" || value.includes("\0")) {
      throw new TypeError(`auth.session: ${name} must be a text, and is ${describe(value)}.`);
    }
    return [name, value] as const;
  });
  const sorted = entries.toSorted(([one], [other]) => Number(isRole(one)) - Number(isRole(other)));
  return { names: sorted.map(([name]) => name), values: sorted.map(([, value]) => value) };
}

function isRole(name: string): boolean {
  return name.toLowerCase() === "role";
}

/** Not the value itself: it may be secret. */
function describe(value: unknown): string {
  return value === null || value === undefined
    ? `${String(value)}: a viewer without it needs a value of its own, such as ""`
    : typeof value === "string"
      ? "a text with a NUL character"
      : `a ${typeof value}`;
}
