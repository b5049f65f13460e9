/** The calls of a model's delegate that are used. Arguments and records depend on the data model, so their types are open. */
export interface ModelDelegate {
  findMany(args: object): Promise<Readonly<Record<string, unknown>>[]>;
  count(args: object): Promise<number>;
}

/** The calls of the client that work inside an interactive transaction, too. */
export interface PrismaTransaction {
  $queryRawUnsafe<Row>(text: string, ...values: unknown[]): Promise<Row[]>;
}

/** The generated client, as far as it is the same for every data model. */
export interface PrismaPort extends PrismaTransaction {
  $connect(): Promise<void>;
  $transaction<T>(
    work: (transaction: PrismaTransaction) => Promise<T>,
    options: { readonly isolationLevel: "ReadCommitted"; readonly maxWait: number; readonly timeout: number },
  ): Promise<T>;
}

/** The model's delegate: `City` is at `client.city`. @throws TypeError when the client was generated from another schema */
export function delegateOf(client: PrismaTransaction, model: string): ModelDelegate {
  const name = `${model.charAt(0).toLowerCase()}${model.slice(1)}`;
  const delegate = (client as unknown as Readonly<Record<string, ModelDelegate | undefined>>)[name];
  if (delegate === undefined) {
    throw new TypeError(`the Prisma client has no model ${model}: it was generated from another schema`);
  }
  return delegate;
}
