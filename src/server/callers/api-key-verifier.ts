import type { ApiKeyStore, StoredApiKey } from "../../core/access/api-key.ts";
import { isSameHash, parseKey } from "../../core/access/api-key.ts";
import { fullViewer } from "../../core/access/viewer.ts";
import type { EventBus } from "../../core/events/event-bus.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import { errorFields } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import type { Caller } from "./caller.ts";
import type { CredentialVerifier, Verification } from "./callers.ts";
import { Lifetime } from "./lifetime.ts";
import { nameOfCredential, Verified } from "./verified.ts";

/** The bus topic of revoked keys. */
const KEY_TOPIC = "powercrud_keys";

/** Tells all processes that the key is revoked. @throws AppError UNAVAILABLE when the bus cannot be reached */
export function announceRevocation(bus: Pick<EventBus, "publish">, keyId: string): Promise<void> {
  return bus.publish(KEY_TOPIC, { keyId });
}

/** How long a key is trusted without looking it up again, in ms. Also bounds what a lost message costs. */
const REFRESH_INTERVAL_MS = 5000;

export interface ApiKeyVerifierOptions {
  readonly store: Pick<ApiKeyStore, "find" | "refresh">;
  readonly bus: Pick<EventBus, "subscribe">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A key that was used lately, or on which something open depends. */
interface LiveKey {
  readonly id: string;
  /** The name of its text in {@link Verified}. */
  readonly name: string;
  readonly caller: Caller & { readonly lifetime: Lifetime };
  isUsed: boolean;
  refreshedAt: number;
}

/**
 * Verifies API keys. A key is read once and then remembered; every five seconds, one statement asks for all remembered keys
 * which of them are revoked, and notes their use. A revocation also comes over the bus, at once. Nothing runs before the
 * first key is sent.
 */
export function createApiKeyVerifier(options: ApiKeyVerifierOptions): Service & CredentialVerifier {
  const keys = new LiveKeys(options);
  const service = createService({
    name: "api keys",
    start: () => Promise.resolve(),
    stop: () => keys.stop(),
  });
  return { ...service, known: (text) => keys.known(text), verify: (text) => keys.verify(text) };
}

class LiveKeys {
  readonly #options: ApiKeyVerifierOptions;
  readonly #byName = new Verified<LiveKey>();
  readonly #byId = new Map<string, LiveKey>();
  #listening: Promise<() => Promise<void>> | undefined;
  #stopRefreshing: (() => void) | undefined;

  constructor(options: ApiKeyVerifierOptions) {
    this.#options = options;
  }

  known(text: string): Caller | undefined {
    const known = this.#byName.get(nameOfCredential(text));
    if (known === undefined || known.caller.lifetime.isOver || this.#isStale(known)) {
      return undefined;
    }
    known.isUsed = true;
    return known.caller;
  }

  /** Looks the key up. */
  async verify(text: string): Promise<Verification> {
    const parsed = parseKey(text);
    if (parsed === undefined) {
      return { kind: "REFUSED", reason: "invalid" };
    }
    // Before the look-up: a key that is revoked in between is heard of.
    await this.#listen();
    const stored = await this.#options.store.find(parsed.prefix);
    if (stored === undefined) {
      return { kind: "REFUSED", reason: "unknown" };
    }
    const { id, viewer } = stored;
    if (!isSameHash(stored.hash, parsed.hash)) {
      return { kind: "REFUSED", reason: "invalid", key: id };
    }
    const refused = { kind: "REFUSED", key: id, viewerId: viewer.id } as const;
    if (stored.revokedAt !== null) {
      return { ...refused, reason: "revoked" };
    }
    const { caller } = this.#remember(stored, nameOfCredential(text));
    return caller.lifetime.isOver ? { ...refused, reason: "expired" } : { kind: "HOLDS", caller };
  }

  async stop(): Promise<void> {
    this.#stopRefreshing?.();
    const leave = await this.#listening?.catch(() => undefined);
    await leave?.();
  }

  /** The database could not be asked for a while. */
  #isStale({ refreshedAt }: LiveKey): boolean {
    return this.#options.clock.now().getTime() - refreshedAt > 3 * REFRESH_INTERVAL_MS;
  }

  #remember(stored: StoredApiKey, name: string): LiveKey {
    const refreshedAt = this.#options.clock.now().getTime();
    const known = this.#byId.get(stored.id);
    if (known !== undefined && !known.caller.lifetime.isOver) {
      // Sockets depend on it.
      Object.assign(known, { isUsed: true, refreshedAt });
      this.#byName.set(name, known);
      return known;
    }
    const lifetime = new Lifetime(this.#options.clock, stored.expiresAt ?? undefined);
    const viewer = { ...fullViewer(stored.viewer), apiKeyId: stored.id };
    const caller = { viewer, scopes: new Set(stored.scopes), lifetime };
    const key: LiveKey = { id: stored.id, name, caller, isUsed: true, refreshedAt };
    this.#byId.set(key.id, key);
    this.#byName.set(name, key);
    return key;
  }

  /** @throws AppError UNAVAILABLE */
  async #listen(): Promise<void> {
    const { bus, clock } = this.#options;
    this.#stopRefreshing ??= clock.every(REFRESH_INTERVAL_MS, () => void this.#refresh());
    this.#listening ??= bus.subscribe(KEY_TOPIC, {
      onMessage: (message) => this.#hear(message),
      onGap: () => void this.#refresh(),
    });
    try {
      await this.#listening;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  #hear(message: Json): void {
    const { keyId } = (message ?? {}) as { readonly keyId?: unknown };
    this.#end(String(keyId));
  }

  #end(id: string): void {
    const key = this.#byId.get(id);
    this.#forget(id);
    key?.caller.lifetime.end();
  }

  #forget(id: string): void {
    const key = this.#byId.get(id);
    this.#byId.delete(id);
    this.#byName.delete(key?.name ?? "");
  }

  async #refresh(): Promise<void> {
    const { store, clock, logger } = this.#options;
    const asked = [...this.#byId.values()];
    const isNeeded = ({ isUsed, caller }: LiveKey): boolean => isUsed || caller.lifetime.isWatched;
    asked.filter((key) => !isNeeded(key)).forEach(({ id }) => this.#forget(id));
    const needed = asked.filter(isNeeded);
    const used = needed.filter(({ isUsed }) => isUsed);
    used.forEach((key) => Object.assign(key, { isUsed: false }));
    if (needed.length === 0) {
      return;
    }
    const idsOf = (keys: readonly LiveKey[]): readonly string[] => keys.map(({ id }) => id);
    try {
      const at = clock.now();
      const good = await store.refresh({ ids: idsOf(needed), usedIds: idsOf(used), at });
      needed.filter(({ id }) => !good.has(id)).forEach(({ id }) => this.#end(id));
      needed.forEach((key) => Object.assign(key, { refreshedAt: at.getTime() }));
    } catch (error) {
      used.forEach((key) => Object.assign(key, { isUsed: true }));
      logger.warn(errorFields(error), "the API keys in use could not be checked");
    }
  }
}
