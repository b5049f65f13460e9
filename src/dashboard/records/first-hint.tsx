import { Button, CloseButton, Group, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { JSX } from "react";
import { useState } from "react";
import type { Connection } from "../api/connection.ts";
import { useWorkspace } from "../frame/workspace.tsx";
import type { Model } from "../models/model.ts";
import type { SchemaReader } from "../models/shape.ts";
import { useAnswer } from "../parts/use-answer.ts";
import { count } from "../tasks/task-words.ts";

/** What could be tried: one more in a number of every record of a model. */
interface Proposal {
  readonly model: Model;
  readonly field: string;
  /** In words. */
  readonly title: string;
  readonly records: number;
}

const SEEN = "powercrud.hint";
/** Nobody is new to a schema of more models, and counting them all takes long. */
const MOST_MODELS = 100;
const COUNTED_AT_ONCE = 20;
const WHOLE = ["Int", "BigInt"];

/** Proposes to a newcomer to try a change that is not made. It is shown until it was taken up or sent away once. */
export function FirstHint(): JSX.Element | null {
  const { connection, models, schema } = useWorkspace();
  const navigate = useNavigate();
  const [isSeen, setSeen] = useState(() => localStorage.getItem(SEEN) !== null);
  const { data } = useAnswer(`hint ${String(isSeen)}`, async () =>
    isSeen ? undefined : findProposal(connection, schema, models),
  );
  if (isSeen || data === undefined) {
    return null;
  }
  const end = (): void => {
    localStorage.setItem(SEEN, "seen");
    setSeen(true);
  };
  const { model, field, title, records } = data;
  return (
    <Group className="hint" justify="space-between" wrap="nowrap" gap="sm" role="note" aria-label="A hint">
      <Text size="sm">
        Try it: preview +1 to the {title} of all {count(records)} {model.title.toLowerCase()}. Nothing is
        changed.
      </Text>
      <Group gap="xs" wrap="nowrap">
        <Button
          size="compact-xs"
          onClick={() => {
            end();
            void navigate({
              to: "/records/$model",
              params: { model: model.name },
              search: { try: field },
            });
          }}
        >
          Show the preview
        </Button>
        <CloseButton size="sm" aria-label="Do not show this again" onClick={end} />
      </Group>
    </Group>
  );
}

/** The largest model of which a number can be changed. */
async function findProposal(
  connection: Connection,
  schema: SchemaReader,
  models: readonly Model[],
): Promise<Proposal | undefined> {
  const possible = models.filter(({ bulkUpdate }) => bulkUpdate !== undefined);
  if (possible.length === 0 || possible.length > MOST_MODELS) {
    return undefined;
  }
  const sizes = await countRecords(connection, possible);
  for (const { model, records } of sizes.toSorted((one, other) => other.records - one.records)) {
    const { fields, bulkChanges } =
      records === 0 ? { fields: [], bulkChanges: [] } : await schema.shapeOf(model);
    const numbers = bulkChanges.filter(({ verbs }) => verbs.some(({ name }) => name === "increment"));
    const typeOf = (name: string): string => fields.find((field) => field.name === name)?.type ?? "";
    const number = numbers.find(({ name }) => WHOLE.includes(typeOf(name))) ?? numbers[0];
    if (number !== undefined) {
      return { model, field: number.name, title: number.title.toLowerCase(), records };
    }
  }
  return undefined;
}

async function countRecords(
  connection: Connection,
  models: readonly Model[],
): Promise<readonly { readonly model: Model; readonly records: number }[]> {
  const sizes: { model: Model; records: number }[] = [];
  for (let from = 0; from < models.length; from += COUNTED_AT_ONCE) {
    const some = models.slice(from, from + COUNTED_AT_ONCE);
    const counts = await connection.request<
      Readonly<Record<string, { readonly totalCount: number }>>,
      object
    >(`query Sizes { ${some.map(({ list }, at) => `m${at}: ${list} { totalCount }`).join(" ")} }`, {});
    sizes.push(...some.map((model, at) => ({ model, records: counts[`m${at}`]?.totalCount ?? 0 })));
  }
  return sizes;
}
