import { Table, Text } from "@mantine/core";
import type { JSX } from "react";
import { useState } from "react";
import { useWorkspace } from "../frame/workspace.tsx";
import type { Figures, ListVariables } from "../models/list-document.ts";
import { figuresDocument } from "../models/list-document.ts";
import type { Field, Figure, Shape } from "../models/shape.ts";
import { FIGURES } from "../models/shape.ts";
import { useAnswer, useOnChange, usePaced } from "../parts/use-answer.ts";
import { isNumber, ValueText } from "./value-text.tsx";

const WORDS: Readonly<Record<Figure, string>> = {
  sum: "Sum",
  avg: "Average",
  min: "Least",
  max: "Greatest",
};
/** While records change, the figures are made anew at most this often. */
const REFRESH_MS = 2000;
const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

/** The figures of the shown columns over all records that match, below the table. They are asked for only while they are shown. */
export function Totals(props: {
  shape: Shape;
  columns: readonly Field[];
  /** The filter and the search of the list. */
  variables: ListVariables;
  /** Changes whenever records did. */
  version: unknown;
}): JSX.Element {
  const { shape, columns, variables, version } = props;
  const { connection } = useWorkspace();
  const [turn, setTurn] = useState(0);
  const again = usePaced(() => setTurn((before) => before + 1), REFRESH_MS);
  useOnChange(version, again);
  const plain = columns.filter((field) => isNumber(field) && field.kind === "value");
  const { where, search } = variables;
  const key = JSON.stringify([plain.map(({ name }) => name), where, search]);
  const answer = useAnswer(`${key} ${turn}`, async () => {
    const document = figuresDocument(shape, plain, await shape.figures());
    return document === undefined
      ? {}
      : (await connection.request<Figures, object>(document, { where, search })).figures;
  });
  const figures = answer.data;
  return (
    <Table.Tfoot className="totals">
      {FIGURES.filter((figure) => figures === undefined || figure in figures).map((figure) => (
        <Table.Tr key={figure} data-figure={figure}>
          <Table.Th colSpan={2} scope="row">
            <Text size="xs" c="dimmed">
              {answer.error === undefined ? WORDS[figure] : `${WORDS[figure]}: ${answer.error}`}
            </Text>
          </Table.Th>
          {columns.slice(1).map((field) => (
            <Table.Td key={field.name} className={isNumber(field) ? "number-cell" : ""}>
              {figures?.[figure] !== undefined && field.name in figures[figure] ? (
                <FigureText shape={shape} field={field} value={figures[figure][field.name]} />
              ) : null}
            </Table.Td>
          ))}
          <Table.Td />
        </Table.Tr>
      ))}
    </Table.Tfoot>
  );
}

function FigureText(props: { shape: Shape; field: Field; value: unknown }): JSX.Element {
  const { value } = props;
  if (typeof value === "number") {
    return <>{NUMBERS.format(value)}</>;
  }
  return typeof value === "string" && /^-?\d+$/.test(value) ? (
    <>{NUMBERS.format(BigInt(value))}</>
  ) : (
    <ValueText {...props} />
  );
}
