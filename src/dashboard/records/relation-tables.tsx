import { Group, Stack, Table, Text, Title } from "@mantine/core";
import type { JSX } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { Condition } from "../models/condition.ts";
import type { RecordRow, RelatedRecords } from "../models/list-document.ts";
import { relationsDocument } from "../models/list-document.ts";
import { keyOf } from "../models/model.ts";
import type { Field, Shape } from "../models/shape.ts";
import { PageLink } from "../parts/link.tsx";
import { Failure } from "../parts/notice.tsx";
import { useAnswer, useOnChange } from "../parts/use-answer.ts";
import { count } from "../tasks/task-words.ts";
import { isNumber, ValueText } from "./value-text.tsx";

/** Records shown of a relation; the others are one link away. */
const SHOWN = 5;
/** Columns beside the best name. */
const MOST_COLUMNS = 3;

/** The records that this one is linked with, a small table for each relation. */
export function RelationTables({ shape, record }: { shape: Shape; record: RecordRow }): JSX.Element | null {
  const { connection, models, schema } = useWorkspace();
  const answer = useAnswer(`${shape.model.name} ${record.id}`, async () => {
    const seen = shape.fields.flatMap((field) => {
      const model = field.kind === "records" ? models.find(({ name }) => name === field.model) : undefined;
      return model === undefined ? [] : { field, model };
    });
    const relations = await Promise.all(
      seen.map(async ({ field, model }) => {
        const other = await schema.shapeOf(model);
        return { field, other, columns: columnsOf(other, shape.model.name) };
      }),
    );
    if (relations.length === 0) {
      return [];
    }
    const document = relationsDocument(shape, relations, SHOWN);
    const { record: found } = await connection.request<RelatedRecords, object>(document, { id: record.id });
    return relations.map((relation) => ({ ...relation, page: found?.[relation.field.name] }));
  });
  const { reload } = answer;
  useOnChange(record, reload);
  if (answer.error !== undefined && answer.data === undefined) {
    return <Failure message={answer.error} onRetry={reload} />;
  }
  return (
    <>
      {answer.data?.map(({ field, other, columns, page }) => (
        <RelationTable
          key={field.name}
          field={field}
          other={other}
          columns={columns}
          rows={page?.nodes ?? []}
          total={page?.totalCount ?? 0}
          condition={wayBack(shape, field, other, record)}
        />
      ))}
    </>
  );
}

/** @param from the model whose records it is a column of: what refers to those says nothing here */
function columnsOf({ model, fields, label }: Shape, from: string): readonly Field[] {
  const plain = fields.filter(
    ({ kind, name }) =>
      (kind === "value" || kind === "enum") &&
      name !== label &&
      model.rights.get(name)?.refersTo?.model !== from,
  );
  return [...fields.filter(({ name }) => name === label), ...plain.slice(0, MOST_COLUMNS)];
}

/** The filter that finds the related records in their own list; undefined where there is none. */
function wayBack(
  { model, filters }: Shape,
  field: Field,
  other: Shape,
  record: RecordRow,
): Condition | undefined {
  const opposite = model.rights.get(field.name)?.opposite;
  const back = other.filters.find(({ name }) => name === opposite);
  const key = keyOf([model], model.name);
  const verb = back?.verbs.find(({ name }) => name === "is" || name === "some");
  const equals = filters.find(({ name }) => name === key)?.verbs.find(({ name }) => name === "equals");
  if (back === undefined || verb === undefined || key === undefined || equals === undefined) {
    return undefined;
  }
  const id = model.hasTypedIds ? record.id.slice(model.name.length + 1) : record.id;
  const value = key === "id" ? (equals.type === "Int" ? Number(id) : id) : record[key];
  return { field: back.name, verb: verb.name, nested: { field: key, verb: "equals", value } };
}

function RelationTable(props: {
  field: Field;
  other: Shape;
  columns: readonly Field[];
  rows: readonly RecordRow[];
  total: number;
  condition: Condition | undefined;
}): JSX.Element {
  const { field, other, columns, rows, total, condition } = props;
  const { name, one } = other.model;
  return (
    <Stack gap={4} component="section" aria-label={field.title} data-relation={field.name}>
      <Group justify="space-between" align="baseline">
        <Group gap="xs" align="baseline">
          <Title order={2} size="h5">
            {field.title}
          </Title>
          <Text size="xs" c="dimmed" className="numbers">
            {count(total)}
          </Text>
        </Group>
        {condition === undefined || total === 0 ? null : (
          <PageLink to="/records/$model" params={{ model: name }} search={{ filter: [condition] }} size="xs">
            {total > rows.length ? `All ${count(total)}` : "Open as a list"}
          </PageLink>
        )}
      </Group>
      {rows.length === 0 ? (
        <Text size="xs" c="dimmed">
          None.
        </Text>
      ) : (
        <div className="related">
          <Table verticalSpacing={2} fz="sm">
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column.name} className={isNumber(column) ? "number-cell" : ""} fz="xs">
                    {column.title}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={row.id} data-related={row.id}>
                  {columns.map((column, at) => (
                    <Table.Td key={column.name} className={isNumber(column) ? "number-cell" : ""}>
                      {at === 0 && one !== undefined ? (
                        <PageLink to="/records/$model/$id" params={{ model: name, id: row.id }} size="sm">
                          <ValueText shape={other} field={column} value={row[column.name] ?? row.id} />
                        </PageLink>
                      ) : (
                        <ValueText shape={other} field={column} value={row[column.name]} />
                      )}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </Stack>
  );
}
