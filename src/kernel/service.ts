/**
 * The one contract of everything that runs on. `start` and `stop` may be called any number of times and
 * concurrently; `stop` waits until nothing of the service runs any more, also when `start` is still under way.
 */
export interface Service {
  /** For logs. */
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What {@link createService} turns into a {@link Service}: called once each, in order, never overlapping. */
export interface ServiceBody {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Wraps a body whose start and stop need not be idempotent into a service whose are. A stopped service stays stopped. */
export function createService(body: ServiceBody): Service {
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    name: body.name,
    start() {
      starting ??= stopping === undefined ? body.start() : Promise.resolve();
      return starting;
    },
    stop() {
      stopping ??= (async () => {
        if (starting === undefined) {
          return;
        }
        // A start that failed half-way may still hold things; the body's stop must cope with that.
        await starting.catch(() => undefined);
        await body.stop();
      })();
      return stopping;
    },
  };
}

/** One service of many: started in order, stopped in reverse. After a failing start the caller stops the whole, as ever. */
export function composeServices(name: string, services: readonly Service[]): Service {
  return createService({
    name,
    async start() {
      for (const service of services) {
        await service.start();
      }
    },
    async stop() {
      const errors: unknown[] = [];
      for (const service of services.toReversed()) {
        await service.stop().catch((error: unknown) => errors.push(error));
      }
      if (errors.length > 0) {
        throw new AggregateError(errors, `${name}: ${errors.length} services did not stop cleanly`);
      }
    },
  });
}
